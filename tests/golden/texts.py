"""The vocabularies and the texts of the golden checkpoints, written for this project."""

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
OTHER_PUNCTUATION = "…–—’“”«»¿¡€£°"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
CJK = "東京大学日本語中国人上海北"
EMOJI = "🙂🎉"
ACCENTED = (
    "àâäåæçèéêëìíîïñòóôöøùúûüßœ"  # ã is left out on purpose: an unknown word in the cased models
)

WORDS = """
the of and to a in is it that was for on as with his he at by be this had not are but from or have an they
which one you were all her she there would their we him been has when who will no more if out so up said
what its about than into them can only other time new some could these two may first then do any like my
now over such our man me even most made after also did many off before must well back through years where
much your way down should because long each just state those people too mr little good world make very year
still see own work men day get here between life being under three never know same last another while us
might great old go since against right came take used himself few house use place during high without again
home around small however found school part once general water less war far night head yet set almost eyes
young course white city kind until name left side fact river mountain capital country train museum doctor
tree wood ring root leaf branch engine fast slow path walk step carry weight light heavy answer question
film movie story charming dull funny sad boring journey acting music picture lovely terrible wonderful mess
rain sun winter summer morning evening coffee tea bread cat dog bird fish horse garden street road bridge
""".split()

NAMES = """
Maria Anna John Peter Paris Berlin London Tokyo Vienna Danube Alps Nile Cairo Oslo Madrid Lisbon Smith
Brown Lee Kim Garcia Rome Italy France Spain Japan Norway Egypt Austria
""".split()

ENDINGS = """
s es ed ing er est ly ness ment tion al ity ful less ous able ive ism ist y en ish th ry ty ic age ance ence
in on an or re le st te ra la ma ta na
""".split()


def vocabulary(cased: bool) -> list[str]:
    """WordPiece tokens in id order. Every letter stands alone and as ##letter, so any English text splits."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    if cased:
        letters += letters.upper() + ACCENTED
    foreign = CYRILLIC[:12] + GREEK[:8]
    tokens = list(SPECIAL)
    if cased:  # as in Google's vocabularies: special tokens need not come first
        tokens = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += list(
        ASCII_PUNCTUATION + OTHER_PUNCTUATION + "0123456789" + letters + foreign + CJK + EMOJI
    )
    tokens += ["##" + c for c in letters + "0123456789" + foreign]
    tokens += [word if cased else word.lower() for word in NAMES]
    tokens += WORDS
    tokens += ["##" + ending for ending in ENDINGS]
    return list(dict.fromkeys(tokens))


# The first two of each list also get their last hidden states stored.
TEXTS = [
    "It 's a charming and often affecting journey .",
    "Crème brûlée in Zürich — 5€, naïve 🙂!",
    "The engine walked down one path, and carried the answer home.",
    "",
    "unbelievably-long-winded, wonderfullyterribleness",
    "東京大学 is a university; Москва и αβγ are not.",
    "x" * 101 + " and " + "y" * 100 + " test the limit of a word",
    "A dull mess of a movie: no story, no music, nothing to see\there.\nReally!",
    "👩‍👩‍👧 family, cafe\u0301, \u00a0nbsp\u200b zero width, ﬁ ligature, ǅ, İstanbul",
    " ".join(f"Sentence number {i} is here to pass the limit of positions." for i in range(12)),
]

PADDED = "The {pad} engine walked {pad}{pad} down one path."

PAIRS = [
    ("What carries the water?", "The sapwood of a tree carries water from the root to the leaf."),
    ("Where is the museum?", "Élan vital 🙂 in the old city."),
    ("Is it raining in 東京?", " "),  # an empty pair: transformers drops "", tokenizers does not
    ("A man is playing a harp.", "A man is playing a keyboard."),
    ("the slow train", " ".join(["The train to Vienna left the city in the morning."] * 9)),
]

RANKINGS = [
    (
        "Which part of a tree carries water?",
        [
            "The sapwood carries water from the root to the leaf.",
            "Coffee and bread in the morning.",
            "A ring of wood is added each year.",
            "Der Fluß fließt nach Süden 🙂",
        ],
    ),
]

ZERO_SHOT_TEXTS = [TEXTS[0], TEXTS[1], TEXTS[9]]  # the last one is cut
CANDIDATES = [  # labels, template
    (["film", "travel", "politics"], "This example is {}."),
    (["a dull mess", "Zürich 🙂"], "{{{0}}} — is it {0}?"),
    (["wood"], "It is about {}"),
]

NER_TEXTS = [
    "Maria Müller lives in São Paulo 🙂 and works in Berlin.",
    "John Smith met Anna Lee in Paris, France.",
    "東京 is the capital of Japan; Oslo is not.",
    "Dr. Unbelievable O'Neill-García walked from Vienna to Rome in winter.",
    "nothing to see here",
]
# Longer than the 24 tokens that the windows of the test leave.
NER_LONG_TEXT = (
    "Peter Brown left London for Cairo 🎉 in the summer, saw the Nile, met José García and Kim Lee in Madrid, "
    "and came back through Lisbon, Paris and the Alps before the winter made the long road to Oslo heavy."
)

MASKED_TEXTS = [
    "The [MASK] carries water.",
    "It was a [MASK] movie with [MASK] music.",
    "Crème 🙂 [MASK] — 東京!",
    "Paris is the capital of [MASK].",
    "It's the doctor 's [MASK], isn't it ? Do n't (ever) answer!",
]

QUESTIONS = [
    (
        "Where does Maria live?",
        "Maria Müller 🙂 lives in São Paulo, near the old bridge over the river.",
    ),
    (
        "What is the sapwood of a tree for?",
        "A tree grows a ring of new wood in each year. The young outer wood, called sapwood, carries the water from "
        "the root to the leaf — “the living ring” — while the old wood within carries only the weight. In winter "
        "the rings are thin; in a wet summer they are wide. A doctor of trees, Dr. Élodie Brûlé, counted 412 rings "
        "in one old tree near Vienna and said that 東京 has an older one. Few people believed her, but it was so.",
    ),
    ("Who?", "No one."),
]
