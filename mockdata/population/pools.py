"""Pools of words: surnames, given names, roads, trades. Filled once, lazily; columns index them by hash.

Surnames with their weights, whole given names and job titles come from Faker's zh_CN providers (MIT). Faker's own pools
are small (324 firms, 724 streets), so names are multiplied from parts: first × second character by sex and generation,
division × brand × trade × legal form, road stem × kind of road × number.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.seeds import Floats, Ints, weighted_table


def _words(text: str) -> list[str]:
    return text.split()


# The characters are Tongban's own choice of common ones; no statistics stand behind their weights.
_FIRST = {
    ("old", 1): "建国志文德永玉忠金福少长春世兴家荣光正廷明振国海学成根富贵树宝",
    ("old", 2): "秀桂玉淑素凤春爱月翠金美兰瑞惠菊彩银巧贵香云莲英珍慧佩冬雪文",
    ("middle", 1): "建志国伟文晓海永俊立春小少宏卫新红军振东家明学庆云金剑子光世",
    ("middle", 2): "丽晓小海秀春红雪玉文燕美艳慧淑爱雅月亚志冬莉婷彩凤佳思静云梦",
    ("young", 1): "子浩宇梓俊奕一明嘉泽博文天思皓睿承景沐家雨铭逸致书晨星煜昊启",
    ("young", 2): "梓雨欣思一佳可诗语子若梦紫心嘉雅依晨悦书芷沐婉锦静奕安宁妍清",
}
_SECOND = {
    ("old", 1): "华明国民生文林清山福贵海德荣祥根发才成良义忠财安庆富春田有江",
    ("old", 2): "英兰珍芳华梅香莲云花玲珠琴娥芝凤仙霞娣菊清连平贞秀妹萍琼美芬",
    ("middle", 1): "军平强伟明华勇斌辉刚波峰涛林生东杰鹏飞超宏亮龙宁健松民兵国雷",
    ("middle", 2): "芳敏丽霞燕娟艳梅红玲英萍静琴华莉娜洁颖琳云青洋晶丹薇蓉虹倩婷",
    ("young", 1): "轩宇涵泽豪然辰睿博杰阳航晨霖熙昊铭哲恒宸源煜凯毅洋诚乐朗安琪",
    ("young", 2): "涵萱怡桐彤妍琪瑶馨雯欣菲洁婷璐颖悦琳月宁文然溪诺熙媛珊薇雪莹",
}
_ERAS = ("old", "middle", "young")
_ERA_YEARS = (1965, 1999)
"""Born before the first year: old; before the second: middle; else young."""

_STEMS = _words("""
    人民 解放 建设 中山 和平 新华 文化 胜利 团结 光明 东风 朝阳 长江 黄河 南京 北京 上海 青年 育才 学府
    师范 科技 创业 兴业 迎宾 滨河 滨江 环城 环湖 湖滨 江滨 金山 银山 凤凰 龙泉 玉泉 清泉 花园 公园 体育
    工人 民主 自强 振兴 复兴 富强 民生 康乐 幸福 平安 永安 永宁 长安 太平 安定 德胜 崇文 宣化 文昌 文明
    文苑 翠竹 翠微 青松 松江 梧桐 银杏 桂花 梅园 兰亭 荷花 杨柳 桃源 杏林 枫林 竹园 石桥 虹桥 新桥 双桥
    大桥 古城 新城 城东 城西 城南 城北 站前 工业 商业 农贸 交通 电力 邮电 机场 开发 高新 望江 望湖 观海
    听涛 明珠 珍珠 宝塔 钟楼 鼓楼 书院 状元 进士 将军 英雄 烈士 红旗 红星 七一 八一 五一 五四
""")
_ROADS = ("路", "街", "大道", "东路", "西路", "南路", "北路", "中路", "巷", "大街")
_VILLAGE_STEMS = _words("""
    张家 李家 王家 刘家 陈家 杨家 赵家 黄家 周家 吴家 徐家 孙家 马家 朱家 胡家 林家 何家 高家 上 下
    东 西 南 北 前 后 大 小 新 老
""")
_VILLAGE_KINDS = _words("""
    庄 村 屯 湾 沟 坪 坡 岭 岗 塘 桥 店 铺 营 寨 坝 井 畈 洼 窑
""")

TRADES = (
    ("科技", "M73"), ("信息技术", "I65"), ("软件", "I65"), ("电子", "C39"), ("机械", "C34"), ("建筑工程", "E47"),
    ("装饰工程", "E50"), ("商贸", "F51"), ("贸易", "F51"), ("百货", "F52"), ("食品", "C14"), ("餐饮管理", "H62"),
    ("物流", "G59"), ("运输", "G54"), ("纺织", "C17"), ("服装", "C18"), ("化工", "C26"), ("医药", "C27"),
    ("医疗器械", "C35"), ("教育咨询", "P83"), ("文化传媒", "R87"), ("广告", "L72"), ("物业管理", "K70"),
    ("房地产开发", "K70"), ("农业发展", "A01"), ("生态农业", "A01"), ("环保", "N77"), ("新能源", "D44"),
    ("电力", "D44"),
    ("汽车销售", "F52"), ("汽车服务", "O81"), ("旅游", "L72"), ("酒店管理", "H61"), ("家具", "C21"), ("建材", "C30"),
    ("五金", "C33"), ("包装", "C22"), ("印刷", "C23"), ("人力资源", "L72"), ("企业管理", "L72"), ("电子商务", "F51"),
    ("网络", "I64"), ("通信", "I63"), ("园林绿化", "N78"), ("水务", "D46"), ("安防", "I65"), ("精密制造", "C34"),
    ("塑料", "C29"),
)  # fmt: skip
"""Trade as it stands in a firm's name, and its industry (GB/T 4754 division, unverified)."""
LEGAL_FORMS = (("有限公司", 66), ("有限责任公司", 14), ("股份有限公司", 6), ("厂", 7), ("合作社", 3), ("工作室", 4))
_BRANDS = "华盛鑫瑞恒泰宏达嘉禾博远创智联众安信德诚永丰兴隆金源天成东方海川科锐佳美康宁普惠益民卓越锦程飞翔星辰中正"

ETHNIC_MILLIONS = {
    "08": 19.57, "05": 11.77, "03": 11.38, "06": 11.07, "11": 10.42, "07": 9.83, "15": 9.59, "04": 7.06, "02": 6.29,
    "09": 3.58, "12": 3.50, "13": 3.31, "14": 2.09, "16": 1.73, "10": 1.70, "19": 1.60, "17": 1.56, "18": 1.33,
}  # fmt: skip
"""Millions of persons by GB/T 3304 code (2020 census, unverified singly)."""
MINORITIES, EVERYBODY = 125.467_390, 1_411.778_724
"""Millions: all minorities, the whole population (2020 census, verified)."""


@cache
def surnames() -> tuple[pa.Array, Any]:
    """(surnames, table of 65,536 positions in proportion to their weights).

    Faker's weights, scaled so that the five most frequent make 30.8 % and the first hundred 85.9 %, as published.
    """
    names, weights = _faker_surnames()
    weights[:5] *= 30.8 / weights[:5].sum()
    weights[5:100] *= (85.9 - 30.8) / weights[5:100].sum()
    weights[100:] *= (100 - 85.9) / weights[100:].sum()
    return pa.array(names, pa.string()), weighted_table(weights)


def _faker_surnames() -> tuple[list[str], Floats]:
    from faker.providers.person.zh_CN import Provider

    ranked = sorted(Provider.last_names.items(), key=lambda entry: -entry[1])
    return [name for name, _ in ranked], np.array([weight for _, weight in ranked], dtype=np.float64)


@cache
def surname_spellings() -> pa.Array:
    """Pinyin of each surname of `surnames`, for e-mail addresses. Written down by pypinyin, whose loading takes longer
    than a million rows.
    """
    listed = (resources.files("mockdata.population") / "surnames.txt").read_text(encoding="utf-8")
    spelled = dict(line.split() for line in listed.splitlines())
    return pa.array([spelled[name] for name in surnames()[0].to_pylist()], pa.string())


@cache
def given_names() -> tuple[pa.Array, Ints, Ints]:
    """(names, starts, counts): the pool of era e (0 old, 1 middle, 2 young) and sex s (1, 2) begins at
    starts[2·e + s - 1]. Two characters mostly, one in an eighth of the cases, and Faker's own given names."""
    from faker.providers.person.zh_CN import Provider

    whole = {1: Provider.first_names_male, 2: Provider.first_names_female}
    pool: list[str] = []
    starts, counts = [], []
    for era in _ERAS:
        for sex in (1, 2):
            first, second = _FIRST[era, sex], _SECOND[era, sex]
            pairs = [a + b for a in first for b in second if a != b]
            single = list(second) * (len(pairs) // (8 * len(second)))
            usual = list(whole[sex]) * (len(pairs) // (10 * len(whole[sex]))) if era == "middle" else []
            starts.append(len(pool))
            pool += pairs + single + usual
            counts.append(len(pool) - starts[-1])
    return pa.array(pool, pa.string()), np.array(starts), np.array(counts)


def era_of(year: Ints) -> Ints:
    """0, 1 or 2: the generation of given names of a birth year."""
    return np.asarray(sum((year >= first).astype(np.int64) for first in _ERA_YEARS))


@cache
def ways() -> tuple[pa.Array, int]:
    """(names of roads followed by names of villages, how many are roads)."""
    roads = [stem + kind for stem in _STEMS for kind in _ROADS]
    villages = [stem + kind + ("" if kind == "村" else "村") for stem in _VILLAGE_STEMS for kind in _VILLAGE_KINDS]
    return pa.array(roads + villages, pa.string()), len(roads)


@cache
def house_numbers() -> pa.Array:
    """ "1号" … "999号"."""
    return pa.array([f"{number}号" for number in range(1, 1000)], pa.string())


@cache
def rooms() -> tuple[pa.Array, int, int]:
    """(rooms, …, village groups, …, "集体户"; how many rooms; how many groups); the last one is a dormitory."""
    flats = [
        f"{building}幢{unit}单元{floor}{door:02d}室"
        for building in range(1, 31)
        for unit in range(1, 5)
        for floor in range(1, 19)
        for door in range(1, 5)
    ]
    groups = [f"{group}组" for group in range(1, 25)]
    return pa.array([*flats, *groups, "集体户"], pa.string()), len(flats), len(groups)


@cache
def brands() -> pa.Array:
    """Two-character brand names of firms."""
    return pa.array([a + b for a in _BRANDS for b in _BRANDS if a != b], pa.string())


@cache
def trades() -> pa.Array:
    """Trade words of firms' names, in the order of TRADES."""
    return pa.array([trade for trade, _ in TRADES], pa.string())


@cache
def legal_forms() -> tuple[pa.Array, Any]:
    """(legal forms, table of 65,536 positions in proportion to their weights)."""
    return pa.array([form for form, _ in LEGAL_FORMS], pa.string()), weighted_table([w for _, w in LEGAL_FORMS])


@cache
def jobs() -> pa.Array:
    """Job titles (Faker), sorted, without repetitions and the catch-all."""
    from faker.providers.job.zh_CN import Provider

    return pa.array(sorted(set(Provider.jobs) - {"其他"}), pa.string())


@cache
def ethnic_groups() -> tuple[pa.Array, Any]:
    """(codes, table of 65,536 positions): Han, the 18 groups with figures, the other 37 sharing the rest evenly.

    The draw is national: no figures by division are at hand.
    """
    rest = [f"{code:02d}" for code in range(2, 57) if f"{code:02d}" not in ETHNIC_MILLIONS]
    left = (MINORITIES - sum(ETHNIC_MILLIONS.values())) / len(rest)
    codes = ["01", *ETHNIC_MILLIONS, *rest]
    weights = [EVERYBODY - MINORITIES, *ETHNIC_MILLIONS.values(), *[left] * len(rest)]
    return pa.array(codes, pa.string()), weighted_table(weights)
