# SPDX-License-Identifier: LGPL-2.1-or-later
"""Text to train small tokenizers on, and text to compare them with."""
import pathlib
import random

SENTENCES = """
The quick brown fox jumps over the lazy dog, doesn't it?
I'll say it once more: they've gone, we're here, and she'd rather not; I'm sure he's right.
Don't 'start what you CAN'T finish, 'cause it's 4.50 in 1999 and 2,000 today!
He said "yes" (or so we've heard) -- and then... nothing at all?!
def main(argv):\n    return [x ** 2 for x in range(10) if x % 2 == 0]\n
https://example.org/a/b?c=d&e=f#g user@example.com C:\\\\temp\\\\file.txt
Portez ce vieux whisky au juge blond qui fume; l'été dernier, Noël à la plage.
Falsches Üben von Xylophonmusik quält jeden größeren Zwerg.
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia, ¿verdad? ¡Sí!
Съешь же ещё этих мягких французских булок, да выпей чаю.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.
דג סקרן שט בים מאוכזב ולפתע מצא חברה
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر
ऋषियों को सताने वाले दुष्ट राक्षसों का सर्वनाश
いろはにほへと ちりぬるを 我が世誰ぞ 常ならむ
天地玄黃,宇宙洪荒。日月盈昃,辰宿列張。
키스의 고유조건은 입술끼리 만나야 하고
นายสังฆภัณฑ์ เฮงพิทักษ์ฝั่ง
😀 😃 👍🏽 👩‍👩‍👧‍👦 🇫🇷 ❤️ ✓ → ∑ ½ ² Ⅷ ٣ ①
a_b-c.d/e+f=g  h\ti\r\nj   k
""".strip("\n").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").split("\n")

WORDS = """the of and to in a is that for it was on are as with his they at be this from
have or by one had not but what all were when we there can an your which their said if do will
each about how up out them then she many some so these would other into has more her two like him
see time could no make than first been its who now people my made over did down only way find use
may water long little very after words called just where most know get through back much before go
good new write our used me man too any day same right look think also around another came come work
three word must because does part even place well such here take why things help put years different
away again off went old number great tell men say small every found still between name should home
big give air line set own under read last never us left end along while might next sound below saw
something thought both few those always looked show large often together asked house don't world
going want school important until form food keep children feet land side without boy once animals
life enough took sometimes four head above kind began almost live page got earth need far hand high
year mother light parts country father let night following picture being study second eyes soon
times story boys since white days ever paper hard near sentence better best across during today
others however sure means knew it's try told young miles sun ways thing whole hear example heard
several change answer room sea against top turned learn point city play toward five using himself
usually""".split()

SCRIPT_SAMPLES = [(0x20, 0x7f), (0xa0, 0x250), (0x250, 0x370), (0x370, 0x400), (0x400, 0x530),
                  (0x530, 0x600), (0x600, 0x700), (0x900, 0xd80), (0xe00, 0x1000), (0x1100, 0x1200),
                  (0x1680, 0x1700), (0x2000, 0x2070), (0x2070, 0x2190), (0x2460, 0x2500),
                  (0x3000, 0x3100), (0x4e00, 0x9fff), (0xac00, 0xd7a4), (0xe000, 0xe100),
                  (0xfb00, 0xfe00), (0xfe00, 0x10000), (0x10000, 0x10200), (0x10d40, 0x10f00),
                  (0x11000, 0x11a00), (0x16d40, 0x16d80), (0x1d400, 0x1d800), (0x1e900, 0x1ec80),
                  (0x1f000, 0x1fb00), (0x20000, 0x20100), (0x31350, 0x323b0), (0xe0000, 0xe01f0),
                  (0x10fff0, 0x110000)]
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\t", "\r\n", "\n\n", "\u00a0", "\u0085", "\u1680",
          "\u2003", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\v", "\f", "\u200b", "\ufeff"]
BITS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'x", "'", "''", "’s", "'r", "'l",
        "1", "12", "3.14", "²", "Ⅷ", "٣", "½", "_", "__", "-", "...", "!!", "é", "e\u0301", "ß", "日本",
        "😀", "👩‍👩‍👧‍👦", "🇫🇷", "❤️", "\u0000", "\u0001", "\u007f", "\u00ad", "\u0100", "Ġ", "Ċ",
        "Ġfree", "\u0143", "İ", "ǅ", "ª", "\u0345", "\u200d", "\u200c", "ﬁ", "\U0010ffff", "\ufffd",
        "\ufffe", "\ue000", "\U000e0041", "\U00016d40", "\U00010d4a", "\U00011bc0"]


def corpus():
    """Lines that show a trainer every byte of UTF-8 now and then."""
    rng = random.Random(1)
    lines = SENTENCES * 3
    for _ in range(4000):
        lines.append(" ".join(rng.choice(WORDS) for _ in range(rng.randint(3, 12))))
    lines += ["".join(random_char(rng) for _ in range(8)) for _ in range(200)]
    return lines


def random_char(rng):
    if rng.random() < 0.3:
        while 0xd800 <= (c := rng.randrange(0x110000)) < 0xe000:
            pass
        return chr(c)
    first, last = rng.choice(SCRIPT_SAMPLES)
    return chr(rng.randrange(first, last))


def english(rng):
    out = []
    for _ in range(rng.randint(1, 30)):
        word = rng.choice(WORDS)
        word = rng.choice([word, word, word, word.capitalize(), word.upper()])
        out.append(word + rng.choice(["", "", "", "", ",", ".", "'s", "n't", "!", "?\n", " -", ":"]))
    return rng.choice(["", "", " ", "  ", "\n"]) + rng.choice([" ", " ", "  "]).join(out)


def unicode_soup(rng):
    return "".join(random_char(rng) for _ in range(rng.randint(1, 40)))


def one_script(rng):
    first, last = rng.choice(SCRIPT_SAMPLES)
    chars = [chr(rng.randrange(first, last)) for _ in range(rng.randint(1, 30))]
    return "".join(c + (rng.choice(SPACES) if rng.random() < 0.15 else "") for c in chars)


def bits(rng, added=()):
    pool = BITS + list(added) * 2
    out = []
    for _ in range(rng.randint(1, 12)):
        out.append(rng.choice(pool) if rng.random() < 0.6 else rng.choice(WORDS))
        if rng.random() < 0.6:
            out.append(rng.choice(SPACES))
    return "".join(out)


def tokens_close(rng, added):
    """Added tokens among white space and word characters, tightly."""
    out = []
    for _ in range(rng.randint(1, 10)):
        out.append(rng.choice([rng.choice(added), rng.choice(added), rng.choice(SPACES), "a", "é", "1",
                               "_", "-", "\u0301", "\u200d", rng.choice(added)[:-1], "日"]))
    return "".join(out)


def repeats(rng):
    unit = rng.choice(["a", "_", "😀", " ", "\n", "ab", "é", "1", "=", "the", "'s", "' ", "a ", "\u0301"])
    text = unit * rng.choice([2, 3, 5, 17, 23, 24, 25, 26, 60, 200])
    return text + rng.choice(["", "x", " x", "\n", "<mask>"])


def sentence(rng):
    return rng.choice(SENTENCES)


def texts(seed, n, added):
    """@n strings, the same ones for the same seed."""
    rng = random.Random(seed)
    kinds = [english, english, unicode_soup, one_script, sentence, repeats, bits,
             lambda r: bits(r, added), lambda r: bits(r, added), lambda r: tokens_close(r, added),
             lambda r: tokens_close(r, added)]
    return [rng.choice(kinds)(rng) if rng.random() > 0.01 else "" for _ in range(n)]


def every_code_point(step=48):
    """Each code point beside a letter, a digit, a sign, a space and itself."""
    points = [c for c in range(0x110000) if not 0xd800 <= c < 0xe000]
    for i in range(0, len(points), step):
        yield "".join(f"a{chr(c)}1{chr(c)}{chr(c)}- {chr(c)}{chr(c)} " for c in points[i:i + step])


def ranges_text(step=24):
    """Where classes begin and end, for a short version of the above."""
    path = pathlib.Path(__file__).parents[3] / "engine/process/unicode_16.txt"
    points = set()
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            _, first, last = line.split()
            for c in (int(first, 16) - 1, int(first, 16), int(last, 16), int(last, 16) + 1):
                if 0 <= c < 0x110000 and not 0xd800 <= c < 0xe000:
                    points.add(c)
    points = sorted(points)
    for i in range(0, len(points), step):
        yield "".join(f"a{chr(c)}1{chr(c)}{chr(c)}- {chr(c)} " for c in points[i:i + step])
