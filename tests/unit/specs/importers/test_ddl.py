"""SQL scripts of five products: types, keys, checks, comments; what cannot be read is told with its line."""

from pathlib import Path
from typing import Any

import pytest

import specs
from specs.finding import SpecError
from specs.importers.comments import comment
from specs.importers.ddl import read_ddl
from specs.importers.draft import Draft
from specs.importers.statements import DIALECTS, guess
from tests.unit.specs.standard import STANDARD

MYSQL = """
-- 人口库; with a semicolon
SET NAMES utf8mb4;
CREATE TABLE `t_person` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT COMMENT '主键',
  `gmsfhm` char(18) NOT NULL COMMENT '公民身份号码',
  `xb` char(1) DEFAULT '9' COMMENT '性别：1男 2女',
  `zt` tinyint(1) NOT NULL DEFAULT '0' COMMENT '状态(0-停用,1-启用)',
  `dj` enum('甲','乙') COMMENT '等级',
  `je` decimal(10,2) COMMENT '金额，单位元',
  `ext` json,
  `gxsj` datetime(3) ON UPDATE CURRENT_TIMESTAMP(3) COMMENT '更新时间',
  `nl` int CHECK (nl BETWEEN 0 AND 150),
  `org_id` bigint(20),
  PRIMARY KEY (`id`) USING BTREE,
  UNIQUE KEY `uk_g` (`gmsfhm`) USING BTREE,
  KEY `idx` (`xb`(10)),
  CONSTRAINT `fk_org` FOREIGN KEY (`org_id`) REFERENCES `t_org` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COMMENT='人员基本信息表' ROW_FORMAT=DYNAMIC;
CREATE TABLE IF NOT EXISTS t_org (id bigint not null primary key, mc varchar(100) comment '单位名称') COMMENT '机构表';
INSERT INTO t_org VALUES (1,'x;y');
"""
POSTGRES = """
SET search_path = public;
CREATE TABLE public.marriage (
    id bigint NOT NULL,
    zsbh character varying(24) NOT NULL,
    zt character(2) NOT NULL DEFAULT '20'::bpchar,
    djrq date,
    lx text,
    amount numeric(12,2),
    tags text[],
    geom geometry(Point,4326),
    created timestamp with time zone DEFAULT now(),
    CONSTRAINT ck_zt CHECK (((zt)::text = ANY ((ARRAY['20'::character varying, '40'::character varying])::text[]))),
    CONSTRAINT ck2 CHECK (amount >= 0 AND amount < 100000),
    CONSTRAINT ck3 CHECK (zsbh ~ '^[JLB][0-9]{6}'),
    CONSTRAINT ck5 CHECK (length(lx) > 2),
    CONSTRAINT ck4 CHECK (djrq <= created)
);
ALTER TABLE public.marriage OWNER TO postgres;
ALTER TABLE ONLY public.marriage ADD CONSTRAINT marriage_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.marriage ADD CONSTRAINT fk FOREIGN KEY (lx) REFERENCES public.dict(code);
CREATE UNIQUE INDEX u ON public.marriage USING btree (zsbh);
COMMENT ON TABLE public.marriage IS '婚姻登记';
COMMENT ON COLUMN public.marriage.djrq IS '结婚登记日期';
COMMENT ON COLUMN public.marriage.nothing IS '没有';
FROBNICATE everything now;
"""
ORACLE = """
CREATE TABLE "HR"."T_RK"
   (    "ID" NUMBER(10,0) NOT NULL ENABLE,
    "XM" VARCHAR2(50 CHAR) NOT NULL ENABLE,
    "XB" CHAR(1 BYTE) DEFAULT '9',
    "CSRQ" DATE,
    "SG" NUMBER(5,2),
    "SJ" TIMESTAMP (6) WITH LOCAL TIME ZONE,
     CONSTRAINT "PK_RK" PRIMARY KEY ("ID")
  USING INDEX PCTFREE 10 INITRANS 2 MAXTRANS 255
  STORAGE(INITIAL 65536 NEXT 1048576 MINEXTENTS 1)
  TABLESPACE "USERS"  ENABLE,
     CONSTRAINT "CK_XB" CHECK ("XB" IN ('1','2','9')) ENABLE
   ) SEGMENT CREATION IMMEDIATE
  PCTFREE 10 PCTUSED 40 TABLESPACE "USERS" ;
COMMENT ON COLUMN "HR"."T_RK"."XM" IS '姓名';
COMMENT ON TABLE HR.T_RK IS '人口表';
/
"""
DM = """
CREATE TABLE "SYSDBA"."人口信息"
(
"编号" INT IDENTITY(1, 1) NOT NULL,
"公民身份号码" VARCHAR(18 CHAR) NOT NULL,
"照片" IMAGE,
NOT CLUSTER PRIMARY KEY("编号"),
UNIQUE("公民身份号码")) STORAGE(ON "MAIN", CLUSTERBTR) ;
COMMENT ON COLUMN "SYSDBA"."人口信息"."编号" IS '人口编号';
"""
SQLSERVER = """
USE [x]
GO
SET ANSI_NULLS ON
GO
CREATE TABLE [dbo].[T_QY](
    [id] [int] IDENTITY(1,1) NOT NULL,
    [tyshxydm] [nvarchar](18) COLLATE Chinese_PRC_CI_AS NOT NULL,
    [mc] [nvarchar](max) NULL,
    [zczb] [decimal](18, 2) NULL,
    [clrq] [datetime2](7) NULL,
    [guid] [uniqueidentifier] ROWGUIDCOL NOT NULL CONSTRAINT [DF_g] DEFAULT (newid()),
 CONSTRAINT [PK_T_QY] PRIMARY KEY CLUSTERED
(
    [id] ASC
)WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF) ON [PRIMARY],
 CONSTRAINT [UQ] UNIQUE NONCLUSTERED ([tyshxydm] ASC)
) ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]
GO
ALTER TABLE [dbo].[T_QY]  WITH CHECK ADD  CONSTRAINT [CK_z] CHECK  (([zczb]>=(0)))
GO
EXEC sys.sp_addextendedproperty @name=N'MS_Description', @value=N'统一社会信用代码' , @level0type=N'SCHEMA',
 @level0name=N'dbo', @level1type=N'TABLE',@level1name=N'T_QY', @level2type=N'COLUMN',@level2name=N'tyshxydm'
GO
"""
ALL = {"mysql": MYSQL, "postgres": POSTGRES, "oracle": ORACLE, "dm": DM, "sqlserver": SQLSERVER}


def draft(text: str | bytes, folder: Path, **more: Any) -> Draft:
    path = folder / "schema.sql"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_ddl(path, department="police", **more)


def table(made: Draft, name: str) -> specs.Table:
    return specs.read(made.text.encode(), "x.yaml").table(name)


def shape(field: specs.Field) -> dict[str, Any]:
    hidden = {"title", "description", "x-physical-type", "x-quality", "x-element", "x-sensitivity"}
    return {word: value for word, value in field.schema.items() if word not in hidden}


@pytest.mark.parametrize("dialect", ALL)
def test_every_dialect_is_told_by_its_text_and_makes_a_valid_draft(dialect: str, tmp_path: Path) -> None:
    assert guess(ALL[dialect]) == ("oracle" if dialect == "dm" else dialect)
    made = draft(ALL[dialect], tmp_path)
    STANDARD.validate(dict(made.contract))
    again = specs.read(made.text.encode(), "x.yaml")
    assert again.findings == ()
    assert again.id == "police.schema"
    assert all(one.primary_key for one in again.tables)
    if dialect != "postgres":
        assert not [one for one in made.findings if one.rule == "import-lost"]


def test_mysql(tmp_path: Path) -> None:
    made = draft(MYSQL, tmp_path)
    person = table(made, "t_person")
    assert (person.title["zh_CN"], person.primary_key) == ("人员基本信息表", ("id",))
    assert [(key.fields, key.table, key.target_fields) for key in person.foreign_keys] == [
        (("org_id",), "t_org", ("id",))
    ]
    assert {field.name: shape(field) for field in person.fields} == {
        "id": {"type": "integer", "minimum": 0},
        "gmsfhm": {"type": "string", "maxLength": 18, "x-unique": True},
        "xb": {"type": "string", "maxLength": 1, "enum": ["1", "2"]},
        "zt": {"type": "integer", "enum": [0, 1]},
        "dj": {"type": "string", "enum": ["甲", "乙"]},
        "je": {"type": "number", "multipleOf": 0.01, "minimum": -99999999.99, "maximum": 99999999.99},
        "ext": {"type": "object"},
        "gxsj": {"type": "string", "format": "date-time"},
        "nl": {"type": "integer", "minimum": 0, "maximum": 150},
        "org_id": {"type": "integer"},
    }
    assert [field.name for field in person.fields if field.required] == ["id", "gmsfhm", "zt"]
    assert person.field("gmsfhm").element == "GMSFHM"
    assert (person.field("xb").title["zh_CN"], person.field("xb").description["zh_CN"]) == ("性别", "性别：1男 2女")
    assert table(made, "t_org").title["zh_CN"] == "机构表"
    assert "INSERT × 1, SET × 1" in next(one.message for one in made.findings if one.rule == "import-skipped")
    assert {one.line for one in made.findings if one.rule == "decide-enum"} == {7, 8}


def test_postgres(tmp_path: Path) -> None:
    made = draft(POSTGRES, tmp_path)
    found = table(made, "marriage")
    assert (found.title["zh_CN"], found.primary_key) == ("婚姻登记", ("id",))
    assert shape(found.field("zt")) == {"type": "string", "maxLength": 2, "enum": ["20", "40"]}
    assert shape(found.field("zsbh")) == {
        "type": "string",
        "maxLength": 24,
        "pattern": "^[JLB][0-9]{6}",
        "x-unique": True,
    }
    amount = shape(found.field("amount"))
    assert (amount["minimum"], amount["exclusiveMaximum"], amount["multipleOf"]) == (0, 100000, 0.01)
    assert shape(found.field("lx")) == {"type": "string", "minLength": 3}
    assert shape(found.field("tags"))["items"]["type"] == "string"
    assert found.field("djrq").title["zh_CN"] == "结婚登记日期"
    assert found.quality[0]["query"] == "SELECT COUNT(*) FROM ${table} WHERE NOT (djrq <= created)"
    told = {(one.rule, one.line) for one in made.findings}
    assert {
        ("decide-rule", 17),
        ("decide-relation", 21),
        ("decide-type", 11),
        ("import-lost", 25),
        ("import-lost", 26),
    } <= told
    assert found.foreign_keys == ()


def test_oracle(tmp_path: Path) -> None:
    found = table(draft(ORACLE, tmp_path), "T_RK")
    assert (found.title["zh_CN"], found.primary_key) == ("人口表", ("ID",))
    assert shape(found.field("ID")) == {"type": "integer", "minimum": -9999999999, "maximum": 9999999999}
    assert shape(found.field("XB")) == {"type": "string", "maxLength": 1, "enum": ["1", "2", "9"]}
    assert shape(found.field("SG"))["maximum"] == 999.99
    assert shape(found.field("SJ")) == {"type": "string", "format": "date-time"}
    assert found.field("XM").schema["x-physical-type"] == "VARCHAR2(50 CHAR)"


def test_dm_with_chinese_names(tmp_path: Path) -> None:
    made = draft(DM, tmp_path, dialect="dm")
    found = table(made, "RKXX")
    assert [(field.name, field.title["zh_CN"]) for field in found.fields] == [
        ("BH", "人口编号"),
        ("GMSFHM", "公民身份号码"),
        ("ZP", "照片"),
    ]
    assert found.primary_key == ("BH",)
    assert found.field("GMSFHM").schema["x-unique"] is True
    assert shape(found.field("ZP")) == {"type": "string", "format": "binary"}
    written = made.contract["schema"][0]
    assert (written["physicalName"], written["properties"][0]["physicalName"]) == ("人口信息", "编号")


def test_sql_server(tmp_path: Path) -> None:
    found = table(draft(SQLSERVER, tmp_path), "T_QY")
    assert found.primary_key == ("id",)
    assert found.field("tyshxydm").title["zh_CN"] == "统一社会信用代码"
    assert found.field("tyshxydm").schema["x-unique"] is True
    assert shape(found.field("zczb")) == {"type": "number", "multipleOf": 0.01, "minimum": 0}
    assert shape(found.field("guid")) == {"type": "string", "format": "uuid"}
    assert shape(found.field("mc")) == {"type": "string"}


def test_composite_keys_and_relations_between_tables_of_one_script(tmp_path: Path) -> None:
    text = """CREATE TABLE a (x int, y int, z int, CONSTRAINT p PRIMARY KEY (y, x));
CREATE TABLE b (p int, q int, FOREIGN KEY (p, q) REFERENCES a, r int REFERENCES a (z));"""
    made = draft(text, tmp_path)
    a, b = table(made, "a"), table(made, "b")
    assert a.primary_key == ("y", "x")
    assert [(key.fields, key.target_fields) for key in b.foreign_keys] == [(("p", "q"), ("x", "y")), (("r",), ("z",))]


def test_gb18030_and_lines(tmp_path: Path) -> None:
    made = draft(MYSQL.encode("gb18030"), tmp_path)
    assert table(made, "t_person").title["zh_CN"] == "人员基本信息表"
    assert {"property": "source", "value": "SQL DDL (mysql, GB18030)"} in made.contract["customProperties"]


def test_a_definition_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    text = "CREATE TABLE t (\n  a int primary key,\n  b frob(((,\n  c varchar(3)\n);\nCREATE TABLE u (a int);"
    made = draft("CREATE TABLE u (\n  a int,\n  zz ??? !!,\n  b int);", tmp_path)
    assert [field.name for field in table(made, "u").fields] == ["a", "b"]
    assert [(one.rule, one.line) for one in made.findings if one.rule == "import-lost"] == [("import-lost", 3)]
    assert draft(text, tmp_path).contract["schema"][0]["name"] == "t"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"", "is empty"),
        (b"hello world", "no CREATE TABLE"),
        (b"CREATE TABLE t AS SELECT 1", "no CREATE TABLE"),
        (b"CREATE TABLE t (a varchar(3) default 'open", "not closed"),
        (b"CREATE TABLE t (a \xff\xff\x81 int)", "neither UTF-8 nor GB18030"),
        (b"(" * 50_000, "no CREATE TABLE"),
        (b"\x00" * 100, "no CREATE TABLE"),
    ],
)
def test_what_is_no_script_is_refused(text: bytes, word: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=word) as caught:
        draft(text, tmp_path)
    assert caught.value.findings[0].rule == "import-unreadable"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_deep_and_broken_scripts_end(dialect: str, tmp_path: Path) -> None:
    deep = "CREATE TABLE t (a int CHECK (" + "(" * 3000 + "a > 1" + ")" * 3000 + "), b int);"
    made = draft(deep, tmp_path, dialect=dialect)
    assert [field.name for field in table(made, "t").fields][-1] == "b"
    refused = 0
    for cut in range(1, len(ALL[dialect]), 97):
        try:
            draft(ALL[dialect][:cut], tmp_path, dialect=dialect)
        except SpecError:
            refused += 1
    assert refused


@pytest.mark.parametrize(
    ("text", "title", "codes"),
    [
        ("性别：1男 2女", "性别", {"1": "男", "2": "女"}),
        ("状态(0-停用,1-启用)", "状态", {"0": "停用", "1": "启用"}),
        ("类型 01：身份证；02：护照", "类型", {"01": "身份证", "02": "护照"}),
        ("是否有效 Y是N否", "是否有效", {"Y": "是", "N": "否"}),
        ("婚姻状况（10未婚、20已婚、90未说明）", "婚姻状况", {"10": "未婚", "20": "已婚", "90": "未说明"}),
        ("主键", "主键", {}),
        ("2020年新增的字段", "2020年新增的字段", {}),
        ("Status: 0 off 1 on", "Status", {}),
        ("长度18位", "长度18位", {}),
    ],
)
def test_comments(text: str, title: str, codes: dict[str, str]) -> None:
    made = comment(text)
    assert (made.title, made.codes) == (title, codes)


@pytest.mark.parametrize("dialect", ["mysql", "oracle", "sqlserver"])
def test_the_data_of_a_dump_is_passed_over(dialect: str, tmp_path: Path) -> None:
    quoted = "'it\\'s; CREATE TABLE no (x int);'" if dialect == "mysql" else "'c:\\'"
    end = "\nGO\n" if dialect == "sqlserver" else ";\n"
    text = f"CREATE TABLE a (x int primary key){end}"
    text += f"INSERT INTO a VALUES ({quoted}),\n(2){end}" * 50 + f"CREATE TABLE b (\n  ] int,\n y int){end}"
    made = draft(text, tmp_path, dialect=dialect)
    assert [one["name"] for one in made.contract["schema"]] == ["a", "b"]
    assert any("INSERT × 50" in one.message for one in made.findings)
    assert [one.line for one in made.findings if one.rule == "import-lost"] == [text[: text.index("]")].count("\n") + 1]


def test_what_a_dump_holds_does_not_change_whose_it_is() -> None:
    data = "INSERT INTO t VALUES ('[a].[b]', 'GO', '`x` ENGINE=', 'NVARCHAR(3)');\n"
    assert guess("CREATE TABLE t (a character varying(3)); ALTER TABLE t OWNER TO x;\n" + data * 9) == "postgres"


def test_types_stay_as_written_and_null_checks_are_required(tmp_path: Path) -> None:
    text = (
        "CREATE TABLE t (\"a\" NUMBER(10, 0), b VARCHAR2(3 CHAR) DEFAULT 'x' NOT NULL,"
        " c TIMESTAMP (6) WITH TIME ZONE);\n"
    )
    text += (
        'ALTER TABLE "t" ADD CONSTRAINT "k" CHECK ("a" IS NOT NULL) NOT DEFERRABLE INITIALLY IMMEDIATE NORELY VALIDATE;'
    )
    made = draft(text, tmp_path, dialect="oracle")
    found = table(made, "t")
    assert [field.schema["x-physical-type"] for field in found.fields] == [
        "NUMBER(10, 0)",
        "VARCHAR2(3 CHAR)",
        "TIMESTAMP(6) WITH TIME ZONE",
    ]
    assert [field.required for field in found.fields] == [True, True, False]


DUMP = """
CREATE TYPE public.sex AS ENUM ('1', '2');
CREATE TABLE public.person (
    id bigint NOT NULL, sex public.sex, n int DEFAULT -1, ts timestamp DEFAULT now(), p weird (( NOT NULL
) PARTITION BY RANGE (ts);
CREATE TABLE public.person_2024 PARTITION OF public.person FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE child (extra int) INHERITS (public.person);
COPY public.person (id) FROM stdin;
1\tit's; (open
\\.
ALTER TABLE ONLY public.person ADD CONSTRAINT pk PRIMARY KEY (id);
"""


def test_a_dump_of_postgres_with_its_data(tmp_path: Path) -> None:
    made = draft(DUMP.replace(", p weird (( NOT NULL", ", p weird ** x NOT NULL"), tmp_path, dialect="postgres")
    person, child = made.contract["schema"]
    fields = {one["name"]: one for one in person["properties"]}
    assert fields["id"]["primaryKey"] is True
    assert fields["sex"]["quality"][0]["arguments"] == {"validValues": ["1", "2"]}
    custom = {name: {c["property"]: c["value"] for c in fields[name].get("customProperties", ())} for name in fields}
    assert custom["n"]["default"] == "-1"
    assert "CURRENT_TIMESTAMP" in custom["ts"]["defaultExpression"]
    assert fields["p"]["required"] is True  # what cannot be read is no reason to leave a column out
    lost = [one.message for one in made.findings if one.rule == "import-lost"]
    assert lost == [
        "person: the definition of p cannot be read; the draft has it as a string",
        "child inherits columns of person; they are not in its draft",
    ]
    assert [one["name"] for one in child["properties"]] == ["extra"]


def test_quoted_names_of_mysql_in_checks_and_routines_between_delimiters(tmp_path: Path) -> None:
    text = """
CREATE TABLE `t` (`id` int PRIMARY KEY, `amt` int, CONSTRAINT `ck` CHECK (`amt` > 0 and `amt` <= 100)) ENGINE=InnoDB;
DELIMITER ;;
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.amt = 1; ODD; END ;;
DELIMITER ;
"""
    made = draft(text, tmp_path, dialect="mysql")
    assert made.contract["schema"][0]["properties"][1]["logicalTypeOptions"] == {"exclusiveMinimum": 0, "maximum": 100}
    assert not [one for one in made.findings if one.rule == "import-lost"]


def test_a_default_of_sql_server_stands_in_a_constraint(tmp_path: Path) -> None:
    text = "CREATE TABLE [t]([id] [int] NOT NULL, [d] [datetime] NULL)\nGO\n"
    text += "ALTER TABLE [t] ADD CONSTRAINT [a] DEFAULT ((7)) FOR [id]\nGO\n"
    text += "ALTER TABLE [t] ADD CONSTRAINT [b] DEFAULT (getdate()) FOR [d]\nGO\n"
    made = draft(text, tmp_path, dialect="sqlserver")
    custom = [one["customProperties"] for one in made.contract["schema"][0]["properties"]]
    assert custom[0][0] == {"property": "default", "value": "7"}
    assert custom[1][0] == {"property": "defaultExpression", "value": "getdate ( )"}
    assert not [one for one in made.findings if one.rule == "import-lost"]


def test_what_stands_before_an_open_quote_is_read(tmp_path: Path) -> None:
    made = draft("CREATE TABLE a (x int);\nCREATE TABLE b (y char(1) DEFAULT 'x);\nCREATE TABLE c (z int);", tmp_path)
    assert [one["name"] for one in made.contract["schema"]] == ["a"]
    assert [(one.rule, one.line) for one in made.findings if one.rule == "import-lost"] == [("import-lost", 2)]
