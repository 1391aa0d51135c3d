"""People of a large shop: names as they are common in Japan, what they call themselves in LINE, and
what somebody at a desk types to find one. No more surnames than the most common ones, so more
members share a name here than anywhere."""

import random
from collections.abc import Iterator

import msgspec

_SURNAMES = """
佐藤 さとう 1887 鈴木 すずき 1806 高橋 たかはし 1421 田中 たなか 1343 渡辺 わたなべ 1070 伊藤
いとう 1081 山本 やまもと 1057 中村 なかむら 1052 小林 こばやし 1034 加藤 かとう 892 吉田 よしだ
837 山田 やまだ 819 佐々木 ささき 673 山口 やまぐち 645 松本 まつもと 629 井上 いのうえ 616 木村
きむら 577 林 はやし 545 斎藤 さいとう 544 清水 しみず 533 山崎 やまざき 485 阿部 あべ 451 森 もり
465 池田 いけだ 452 橋本 はしもと 450 山下 やました 424 石川 いしかわ 421 中島 なかじま 399 前田
まえだ 387 藤田 ふじた 383 後藤 ごとう 379 小川 おがわ 378 岡田 おかだ 375 村上 むらかみ 367
長谷川 はせがわ 383 近藤 こんどう 375 石井 いしい 352 斉藤 さいとう 313 坂本 さかもと 333 遠藤
えんどう 330 藤井 ふじい 308 青木 あおき 308 福田 ふくだ 299 三浦 みうら 292 西村 にしむら 299
藤原 ふじわら 294 太田 おおた 277 松田 まつだ 293 原田 はらだ 286 岡本 おかもと 283 中野 なかの
279 中川 なかがわ 278 小野 おの 271 田村 たむら 270 竹内 たけうち 269 金子 かねこ 266 中山
なかやま 260 和田 わだ 259 石田 いしだ 250 工藤 くどう 244 上田 うえだ 243 原 はら 243 森田 もりた
236 酒井 さかい 235 横山 よこやま 231 柴田 しばた 231 宮崎 みやざき 227 宮本 みやもと 225 内田
うちだ 224 高木 たかぎ 222 谷口 たにぐち 216 安藤 あんどう 214 丸山 まるやま 208 今井 いまい 207
大野 おおの 205 高田 たかた 202 菅原 すがわら 196 河野 こうの 195 武田 たけだ 195 藤本 ふじもと
194 上野 うえの 192 杉山 すぎやま 190 千葉 ちば 189 村田 むらた 188 増田 ますだ 187 小島 こじま
186 小山 こやま 186 大塚 おおつか 184 平野 ひらの 183 久保 くぼ 182 渡部 わたなべ 181 松井 まつい
179 菊地 きくち 178 岩崎 いわさき 177 松尾 まつお 176 佐野 さの 175 木下 きのした 174 野口 のぐち
174 野村 のむら 173 新井 あらい 172 渡邊 わたなべ 110 髙橋 たかはし 120 齋藤 さいとう 100 東海林
しょうじ 12 勅使河原 てしがわら 2
"""
_GIVEN = """
翔太 しょうた 大輔 だいすけ 健一 けんいち 拓也 たくや 誠 まこと 直樹 なおき 達也 たつや 健太
けんた 大樹 だいき 蓮 れん 陽翔 はると 湊 みなと 悠真 ゆうま 樹 いつき 蒼 あおい 颯太 そうた 陸
りく 大和 やまと 隆 たかし 浩 ひろし 太郎 たろう 一郎 いちろう 次郎 じろう 和也 かずや 雄太 ゆうた
亮 りょう 学 まなぶ 剛 つよし 修 おさむ 茂 しげる 勇気 ゆうき 真一 しんいち 花子 はなこ 陽子
ようこ 恵子 けいこ 久美子 くみこ 由美子 ゆみこ 智子 ともこ 裕子 ゆうこ 美穂 みほ 愛 あい 美咲
みさき 彩 あや 麻衣 まい 結衣 ゆい 葵 あおい 凛 りん 陽菜 ひな 紬 つむぎ 莉子 りこ さくら さくら
真由美 まゆみ 直美 なおみ 恵 めぐみ 千尋 ちひろ 香織 かおり 友美 ともみ 優子 ゆうこ 明美 あけみ
幸子 さちこ 和子 かずこ 節子 せつこ 京子 きょうこ 詩織 しおり 七海 ななみ 美月 みづき 心春 こはる
結菜 ゆいな 未来 みらい 遥 はるか 舞 まい 茜 あかね
"""
_NICKNAMES = ("ママ", "パパ", "ちゃん", "くん", "🌸", "☆", "(仕事用)", " official", "♪", "")
_ROMAJI = ("Taro", "Hana", "Ken", "Yuki", "Sora", "Mai", "Rin", "Akira", "Emi", "Jun", "Nao", "Ryo")
_KATAKANA = {letter: letter + 96 for letter in range(ord("ぁ"), ord("ゖ") + 1)}


class Person(msgspec.Struct, frozen=True):
    """A member as the shop and LINE know one."""

    card: str
    phone: str
    external_id: str
    name: str
    kana: str
    line_name: str


def people(count: int, seed: int = 5) -> Iterator[Person]:
    """So many, the same each time."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    parts = _SURNAMES.split()
    surnames = list(zip(parts[::3], parts[1::3], strict=True))
    weights = [int(weight) for weight in parts[2::3]]
    given = list(zip(_GIVEN.split()[::2], _GIVEN.split()[1::2], strict=True))
    for number in range(count):
        (surname, kana), (own, own_kana) = dice.choices(surnames, weights)[0], dice.choice(given)
        yield Person(
            card=f"29{number * 7_919 % 10**10:010d}{number % 10}",
            phone=f"0{dice.choice((70, 80, 90))}{dice.randrange(10**8):08d}",
            external_id=f"C-{number:07d}",
            name=f"{surname} {own}",
            kana=f"{kana} {own_kana}".translate(_KATAKANA),
            line_name=_line_name(dice, surname, own, own_kana),
        )


def _line_name(dice: random.Random, surname: str, own: str, kana: str) -> str:
    kind = dice.randrange(5)
    if kind == 0:
        return f"{surname}{own}"
    if kind == 1:
        return dice.choice(_ROMAJI) + dice.choice((" ", "")) + dice.choice("ABCDEHKMNSTWY")
    return (kana if kind < 4 else own) + dice.choice(_NICKNAMES)


def typed(person: Person, dice: random.Random) -> list[str]:
    """What is in the box after each key, for one way of looking for somebody."""
    phone = f"{person.phone[:3]}-{person.phone[3:7]}-{person.phone[7:]}"
    ways = (
        person.name,
        person.name.replace(" ", ""),
        person.kana,
        person.kana.translate({to: letter for letter, to in _KATAKANA.items()}),
        person.line_name,
        person.name.split(" ")[1],
        person.card,
        person.card[-dice.choice((4, 5, 6)) :],
        phone,
        person.phone[-4:],
        person.external_id,
    )
    text = dice.choice(ways)
    return [text[:length] for length in range(1, len(text) + 1) if text[:length].strip()]


WORST = (
    *("a", "A", "e", "0", "2", "29", "090", "7", "C", "c-", "子", "田", "たか", "か", "ん", "ー"),
    *("山", "藤", "Ｔａ", "ﾔﾏ", "さとう", "佐藤", "サ", "ゆ", "🌸", "☆", "-", ".", "%", "_", "\\"),
    *("た", "なか", "あ", "い", "う", "お", "と", "り", "り ", " り", "official", "0000", "1111"),
)
"""What everybody has: the most there is to match."""
