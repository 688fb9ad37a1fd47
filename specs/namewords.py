"""Words that names of fields are made of: what they abbreviate, what they leave open, what lets them be understood.

Plain data about language, apart from the dictionary of elements because it says nothing about any element's meaning.
"""

from __future__ import annotations

ABBREVIATIONS: dict[str, str] = {
    "addr": "address", "adr": "address", "amt": "amount", "bday": "birthday", "bdate": "birth date", "cert": "certificate",
    "cd": "code", "chasis": "chassis", "cnt": "count", "color": "colour", "coord": "coordinate", "corp": "company",
    "ctry": "country", "cust": "customer", "dept": "department", "desc": "description", "descr": "description",
    "dist": "district", "dl": "driving licence", "dob": "date birth", "dod": "date death", "dt": "date",
    "edu": "education", "emp": "employee", "emerg": "emergency", "eng": "engine", "ent": "enterprise", "exp": "expiry",
    "facs": "facility", "fac": "facility", "fname": "first name", "govt": "government", "hosp": "hospital",
    "ind": "industry", "ins": "insurance", "lic": "licence", "license": "licence", "lname": "last name", "mfg": "manufacture",
    "mfr": "manufacturer", "mob": "mobile", "nat": "nationality", "nbr": "number", "no": "number", "nr": "number",
    "num": "number", "occ": "occupation", "org": "organisation", "organization": "organisation", "orgs": "organisation",
    "phone": "telephone", "pic": "photo", "prov": "province", "pwd": "password", "qty": "quantity", "reg": "registration",
    "registered": "registered", "rep": "representative", "rmk": "remark", "seq": "sequence", "soc": "social", "tel": "telephone",
    "tin": "taxpayer number", "tm": "time", "trans": "transaction", "txn": "transaction", "univ": "university",
    "upd": "update", "veh": "vehicle", "vlt": "vehicle", "yr": "year", "labor": "labour", "identification": "identity",
    "cellphone": "mobile", "mobilephone": "mobile", "postal": "post", "postcode": "post code", "zipcode": "zip code",
    "pincode": "pin code", "firstname": "first name", "lastname": "last name", "fullname": "full name",
    "username": "user name", "birthdate": "birth date", "birthday": "birth date", "datebirth": "date birth",
    "emailid": "email", "mail": "email", "web": "web", "longtitude": "longitude", "lattitude": "latitude", "mot": "mot",
    "created": "created", "creation": "created", "create": "created", "ctime": "created time", "mtime": "modified time",
    "modify": "modified", "updated": "update", "identifier": "id", "ident": "id", "uuid": "id", "licensed": "licenced",
    "issuedate": "issue date", "validfrom": "valid from", "validto": "valid to", "ethnicity": "ethnic group",
    "telephone": "telephone", "idcard": "id card", "idno": "id number", "regno": "registration number",
    "dlno": "driving licence number", "expiration": "expiry", "expire": "expiry", "expired": "expiry", "realname": "real name", "organ": "organ",
    "detl": "detail", "detail": "detail", "birth": "birth", "mobileno": "mobile number", "telno": "telephone number", "sexe": "sex", "mfd": "manufacture date",
    "householder": "household head", "districts": "district",
}  # fmt: skip
"""What a short or joined spelling stands for; British spelling is the norm."""

SILENT = frozenset("a an the of for s is and its this that".split())
"""Words that never change what a phrase means."""

NOISE = frozenset(
    "my current present latest last full main primary first1 value info field input user1 person1 full1 actual new own"
    " individual personal p f c n s str txt col fld x d t data".split()
)
"""Words before a name that leave its meaning as it is (and the letters old systems put before every column)."""

CHINESE_NOISE = (
    "本人", "个人", "居民", "公民", "人员", "企业", "公司", "单位", "机构", "当前", "现", "原", "最新", "最后", "数据", "记录",
    "有效", "常用", "主要", "详细", "该", "所", "实际", "身份", "机动车", "车辆", "房屋", "住房", "不动产", "不动产权", "商品房",
    "证照", "证件", "业务", "事项", "办件", "申请", "参保", "医保", "社保", "公积金", "用户", "真实", "中文", "法人",
)  # fmt: skip
"""The same before a Chinese name."""

CARRIED = frozenset(
    "GMSFHM TYSHXYDM ZZJGDM LXDH GDDH CZHM DZYX YZBM WZDZ JD WD CSRQ XBDM MZDM GJDM NL HPHM CLSBDH FDJH JSZH XZQH"
    " ZZBS BDCDYH BDCQZH HZHM YHKH XXDZ JE ZJHM ZJLXDM NSRSBH XM XS MING DWMC SFMC CSMC QXMC GJDQ JLX ZP QFJG QFRQ YXQQ YXQZ DJJG"
    " KHYH HYZKDM XLDM YHM CFJE ZDMJ JZMJ CJSJ GXSJ SSZTMC".split()
)
"""Elements that stay themselves whatever unknown words stand before their name: the e-mail address of a sender is an
e-mail address. A date of something unknown is another date, so no date but that of birth is here."""

TAILS = {
    "电话": "LXDH", "手机": "LXDH", "身份证": "GMSFHM", "邮箱": "DZYX", "金额": "JE", "地址": "XXDZ", "姓名": "XM", "备注": "BZ",
}  # fmt: skip

WEAK_TAILS = frozenset("机构代码 单位代码 组织代码 区划代码 证件编号 名字 联系方式 说明 年份 号牌".split())
"""Names that are too general to be found at the end of a longer one."""

USUAL = frozenset("XM XB MZ BZ".split())
"""Two letters that mean the same in nearly every table."""

PAIRS = {"JD": "wd", "WD": "jd"}
"""Short names that are clear beside their other half."""

COMPOSED = (
    (r"(户籍|户口|常住户口).{0,5}(地址|详址|住址)", "HJDZ"), (r"(现|居|常|实际|家庭|经常).{0,2}(住|居).{0,5}(地址|详址|住址)", "XZZXZ"),
    (r"(现|目前).{0,3}(地址|详址)", "XZZXZ"), (r"(通讯|通信|邮寄|收件|寄送|送达).{0,4}(地址|详址)", "YJDZ"), (r"(注册|登记).{0,2}(地址|详址)", "ZCDZ"),
    (r"(经营|生产经营|营业).{0,2}(地址|场所|详址)", "JYCS"), (r"(户籍|户口).{0,4}(区划|省市县|省县|市县区|地区代码).*", "HJXZQH"),
    (r"(现住|居住|常住).{0,4}(区划|省市县|市县区|地区代码).*", "XZZXZQH"), (r"出生地?.{0,2}(区划|省市县|市县区|地区代码).*", "CSDSSXQ"),
    (r"参保.{0,3}(区划|省市县|统筹区).*", "CBXZQH"), (r"(不动产|房屋|住房|房产).{0,2}(地址|坐落|详址)", "FWZL"),
)  # fmt: skip
"""Chinese names made of two halves, each of many words: whose place, and that it is one."""

PERSON = frozenset(
    "person citizen people resident applicant patient user individual employee student child parent father mother spouse"
    " guardian borrower holder member owner driver doctor nurse teacher profile account customer client beneficiary human"
    " customer newborn taxpayer insured claimant subject poi contact kyc participant".split()
)
PERSON_FACTS = frozenset(
    "dob gender sex birthday birthdate surname forename firstname lastname middlename maritalstatus dateofbirth first_name"
    " last_name middle_name date_of_birth birth_date marital_status yearofbirth year_of_birth".split()
)
ORGANISATION = frozenset(
    "organisation organization company enterprise firm agency business institution employer corporation lender bank"
    " facility hospital school authority department office vendor supplier manufacturer insurer provider employer".split()
)
PLACE_FACTS = frozenset(
    "city town street zip zipcode postcode postalcode postal_code zip_code pincode pin_code country county province address"
    " line1 line2 address_1 addressline1 house locality district latitude longitude street_address country_code state statename"
    " districtname".split()
)
VEHICLE = frozenset(
    "vehicle car engine engineno engine_no chassis chasisno chassisno vin fueltype fuel_type enginecapacity plate registrationnumber"
    " seatcapacity make wheelplan motor jdc hphm".split()
)

_ERROR = frozenset({"error", "problem", "fault", "exception"})

AMBIGUOUS: dict[str, frozenset[str]] = {
    "make": VEHICLE, "model": VEHICLE, "colour": VEHICLE, "fuel": VEHICLE, "state": PLACE_FACTS, "pin": PLACE_FACTS,
    "district": PLACE_FACTS, "county": PLACE_FACTS, "long": PLACE_FACTS | {"lat", "lng"}, "house": PLACE_FACTS,
    "line 1": PLACE_FACTS, "lot": frozenset(), "term": frozenset(), "note": frozenset({"*"}),
    "registration number": VEHICLE | {"make", "colour"}, "community": PLACE_FACTS,
    "major": frozenset({"school", "student", "university", "degree", "education"}),
    "degree": frozenset({"school", "student", "university", "education", "person"}), "school": PERSON | PERSON_FACTS,
    "university": PERSON | PERSON_FACTS, "college": PERSON | PERSON_FACTS, "village": PLACE_FACTS,
    "class name": frozenset({"student", "school", "grade"}), "creator": frozenset({"*"}),
    "decision": frozenset({"application", "approval", "withdrawal", "decided", "claim"}), "relationship": PERSON | PERSON_FACTS,
    "charge amount": frozenset({"*"}), "profession": frozenset({"*"}), "age": PERSON | PERSON_FACTS,
    "error": frozenset({"errordescription", "error_description", "error_uri"}), "revenue": ORGANISATION,
    "issuer": frozenset({"certificate", "licence", "passport", "document"}), "website": frozenset({"*"}),
    "title number": frozenset({"*"}), "reason": frozenset({"decision", "refusal", "application", "result", "approval"}),
    "street": frozenset({"*"}), "physician": frozenset({"*"}), "payment id": frozenset({"*"}),
    "address": frozenset({"*"}), "industry": frozenset({"*"}), "detail": _ERROR, "message": _ERROR, "photograph": frozenset({"*"}),
    "provider name": frozenset({"patient", "visit", "diagnosis", "appointment"}), "case number": frozenset(),
    "admission date": frozenset({"student", "school", "grade"}), "medicine": frozenset({"*"}), "version": frozenset({"*"}),
}  # fmt: skip
"""English phrases that mean an element only beside one of these words ("*": anywhere, empty: never by themselves)."""
