"""The golden checkpoints: one line of facts each. README.md says what each is for."""

from dataclasses import dataclass, field

MAX_POSITIONS = 64
PICKLED = "pytorch_model.bin"
LEGACY = "pytorch_model.bin before 1.6"
LIKE_ROBERTA = ("roberta", "xlm-roberta", "camembert")
LOCAL_8 = {"local_attention": 8}  # tokens that a local layer of ModernBERT sees
SENTIMENT = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
NLI = ["CONTRADICTION", "NEUTRAL", "ENTAILMENT"]
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@dataclass
class Checkpoint:
    name: str
    kind: str  # distilbert | bert | electra | one of LIKE_ROBERTA | mpnet | modernbert | nomic_bert
    head: str = "none"
    hidden: int = 32
    heads: int = 4
    width: int = 64  # of the dense feedforward
    config: dict = field(default_factory=dict)  # more of config.json
    published: bool = False  # nomic_bert, mpnet: with files as in the published checkpoints
    embedding_size: int | None = None  # electra: of the tables, where it is not hidden
    layers: int = 2
    activation: str = "gelu"
    fff: tuple[int, int] | None = None  # depth, trees
    dense_width: int = 0  # always-on neurons beside the trees
    labels: list[str] | None = None
    problem_type: str | None = None
    cased: bool = False
    pooler: bool = True  # a bare encoder: with its pooler
    storage: str = "F32"  # F32 | F16 | BF16 | sharded | PICKLED | LEGACY
    subwords: str = "word_piece"  # word_piece | byte_level | unigram
    tokenizer_options: dict = field(default_factory=dict)  # of transformers' class, where it is no WordPiece
    splits_whitespace: bool = False  # unigram: as the first conversions of XLM-RoBERTa
    vocab_only: bool = False  # vocab.txt (or vocab.json and merges.txt) instead of tokenizer.json
    sentence: dict | None = None  # sentence-transformers: max_seq_length, legacy names in 1_Pooling
    clean_up: bool | None = None  # clean_up_tokenization_spaces; None: not said, which means False
    tasks: dict = field(default_factory=dict)

    @property
    def limit(self) -> int:  # tokens of a text
        return self.sentence["max_seq_length"] if self.sentence else MAX_POSITIONS


def checkpoints() -> list[Checkpoint]:
    classify, tokens = "sequence_classification", "token_classification"
    pool = {"pooling": "mean", "normalize": False}
    return [
        Checkpoint("distilbert-base", "distilbert", hidden=64, width=96, tasks=pool),
        Checkpoint("distilbert-mlm", "distilbert", "masked_lm", hidden=44, width=72, clean_up=True),
        Checkpoint(
            "distilbert-sentiment-f16",
            "distilbert",
            classify,
            hidden=40,
            heads=2,
            labels=SENTIMENT,
            storage="F16",
        ),
        Checkpoint(
            "distilbert-multilabel-relu",
            "distilbert",
            classify,
            activation="relu",
            vocab_only=True,
            labels=["wood", "water", "music", "city"],
            problem_type="multi_label_classification",
        ),
        Checkpoint(
            "distilbert-regression-bin",
            "distilbert",
            classify,
            labels=["LABEL_0"],
            problem_type="regression",
            storage=PICKLED,
        ),
        Checkpoint("distilbert-ner-cased", "distilbert", tokens, labels=ENTITIES, cased=True),
        Checkpoint("distilbert-qa", "distilbert", "question_answering", storage="F16"),
        Checkpoint(
            "distilbert-fff-sentiment",
            "distilbert",
            classify,
            hidden=40,
            fff=(3, 2),
            labels=SENTIMENT,
        ),
        Checkpoint("distilbert-fff-base", "distilbert", hidden=36, heads=3, fff=(4, 1), tasks=pool),
        Checkpoint(
            "distilbert-fff-dense-base",
            "distilbert",
            hidden=36,
            heads=3,
            fff=(3, 2),
            dense_width=70,
            tasks=pool,
        ),
        Checkpoint("bert-base-sharded", "bert", hidden=64, width=96, storage="sharded", tasks=pool),
        Checkpoint(
            "bert-base-gelu-new",
            "bert",
            hidden=40,
            heads=5,
            width=100,
            activation="gelu_new",
            pooler=False,
            cased=True,
            tasks=pool,
        ),
        Checkpoint("bert-mlm-bin", "bert", "masked_lm", storage=PICKLED, clean_up=False),
        Checkpoint(
            "bert-pair-bf16",
            "bert",
            classify,
            labels=["entailment", "other"],
            storage="BF16",
            tasks={"pairs": True},
        ),
        Checkpoint(
            "bert-cross-encoder",
            "bert",
            classify,
            labels=["LABEL_0"],
            tasks={"pairs": True, "rerank": True},
        ),
        Checkpoint(
            "bert-ner-vocab-cased",
            "bert",
            tokens,
            labels=ENTITIES,
            cased=True,
            vocab_only=True,
            storage="BF16",
        ),
        Checkpoint("bert-qa", "bert", "question_answering"),
        Checkpoint("bert-fff-mlm", "bert", "masked_lm", hidden=36, heads=2, fff=(2, 3)),
        Checkpoint("bert-fff-ner", "bert", tokens, labels=ENTITIES, fff=(5, 1), storage="F16"),
        Checkpoint(
            "electra-discriminator", "electra", "replaced_token_detection", embedding_size=24
        ),
        Checkpoint(
            "electra-generator",
            "electra",
            "masked_lm",
            hidden=40,
            heads=2,
            embedding_size=28,
            activation="relu",
        ),
        Checkpoint(
            "electra-sentiment",
            "electra",
            classify,
            embedding_size=48,
            activation="gelu_new",
            labels=SENTIMENT,
        ),
        Checkpoint("electra-ner-cased", "electra", tokens, labels=ENTITIES, cased=True),
        Checkpoint("electra-qa", "electra", "question_answering", embedding_size=20, storage="F16"),
        Checkpoint(
            "distilbert-nli",
            "distilbert",
            classify,
            labels=NLI[::-1],
            storage="F16",
            tasks={"pairs": True, "zero_shot": True},
        ),
        Checkpoint(
            "bert-nli",
            "bert",
            classify,
            labels=["entailment", "not_entailment"],
            storage="F16",
            tasks={"pairs": True, "zero_shot": True},
        ),
        Checkpoint("roberta-wordpiece-base", "roberta", heads=2, tasks=pool),
        Checkpoint(
            "roberta-wordpiece-mlm", "roberta", "masked_lm", hidden=40, activation="relu"
        ),
        Checkpoint(
            "roberta-wordpiece-nli",
            "roberta",
            classify,
            labels=NLI,
            storage="F16",
            tasks={"pairs": True, "zero_shot": True},
        ),
        Checkpoint("roberta-wordpiece-ner", "roberta", tokens, labels=ENTITIES),
        Checkpoint("roberta-wordpiece-qa", "roberta", "question_answering", storage="BF16"),
        Checkpoint("roberta-base", "roberta", subwords="byte_level", tasks=pool),
        Checkpoint("roberta-mlm", "roberta", "masked_lm", hidden=40, subwords="byte_level"),
        Checkpoint(
            "roberta-nli",
            "roberta",
            classify,
            subwords="byte_level",
            labels=NLI,
            storage="F16",
            tasks={"pairs": True, "zero_shot": True},
        ),
        Checkpoint(
            "roberta-sentiment-vocab-bin",
            "roberta",
            classify,
            subwords="byte_level",
            vocab_only=True,
            labels=[label.lower() for label in SENTIMENT],
            storage=PICKLED,
        ),
        Checkpoint(
            "roberta-multilabel",
            "roberta",
            classify,
            subwords="byte_level",
            labels=["wood", "water", "music", "city"],
            problem_type="multi_label_classification",
            storage="F16",
        ),
        Checkpoint(
            "st-roberta-mean",
            "roberta",
            subwords="byte_level",
            storage="F16",
            sentence={"max_seq_length": 40, "legacy": True},
            tasks={"pooling": "mean", "normalize": True, "sentence_transformers": True},
        ),
        Checkpoint(
            "roberta-ner",
            "roberta",
            tokens,
            subwords="byte_level",
            tokenizer_options={"add_prefix_space": True},
            labels=ENTITIES,
        ),
        Checkpoint(
            "roberta-qa", "roberta", "question_answering", subwords="byte_level", storage="BF16"
        ),
        Checkpoint("xlm-roberta-base", "xlm-roberta", heads=2, subwords="unigram", tasks=pool),
        Checkpoint("xlm-roberta-mlm", "xlm-roberta", "masked_lm", subwords="unigram"),
        Checkpoint(
            "xlm-roberta-nli",
            "xlm-roberta",
            classify,
            subwords="unigram",
            labels=["entailment", "neutral", "contradiction"],
            storage="F16",
            tasks={"pairs": True, "zero_shot": True},
        ),
        Checkpoint(
            "xlm-roberta-cross-encoder",
            "xlm-roberta",
            classify,
            subwords="unigram",
            labels=["LABEL_0"],
            tasks={"pairs": True, "rerank": True},
        ),
        Checkpoint(
            "xlm-roberta-ner",
            "xlm-roberta",
            tokens,
            subwords="unigram",
            splits_whitespace=True,
            labels=ENTITIES,
        ),
        Checkpoint(
            "xlm-roberta-qa",
            "xlm-roberta",
            "question_answering",
            subwords="unigram",
            storage="F16",
        ),
        Checkpoint("camembert-base", "camembert", pooler=False, subwords="unigram", tasks=pool),
        Checkpoint("camembert-mlm", "camembert", "masked_lm", subwords="unigram", storage=PICKLED),
        Checkpoint(
            "camembert-sentiment", "camembert", classify, subwords="unigram", labels=SENTIMENT
        ),
        Checkpoint("camembert-ner", "camembert", tokens, subwords="unigram", labels=ENTITIES),
        Checkpoint("camembert-qa", "camembert", "question_answering", subwords="unigram"),
        Checkpoint(
            "st-multilingual-minilm",
            "bert",
            subwords="unigram",
            splits_whitespace=True,
            sentence={"max_seq_length": 32, "legacy": True},
            tasks={"pooling": "mean", "normalize": False, "sentence_transformers": True},
        ),
        Checkpoint(
            "st-xlm-roberta-cls",
            "xlm-roberta",
            subwords="unigram",
            splits_whitespace=True,
            pooler=False,
            sentence={"max_seq_length": 48, "legacy": True},
            tasks={"pooling": "cls", "normalize": True, "sentence_transformers": True},
        ),
        Checkpoint("mpnet-base", "mpnet", heads=2, pooler=False, tasks=pool),
        Checkpoint("mpnet-mlm", "mpnet", "masked_lm", hidden=40, activation="relu"),
        Checkpoint(
            "mpnet-pair", "mpnet", classify, labels=NLI, storage="F16", tasks={"pairs": True}
        ),
        Checkpoint("mpnet-ner-cased", "mpnet", tokens, labels=ENTITIES, cased=True),
        Checkpoint("mpnet-qa", "mpnet", "question_answering", storage="BF16"),
        Checkpoint(
            "nomic-bert-base", "nomic_bert", heads=2, published=True, pooler=False, tasks=pool
        ),
        Checkpoint("nomic-bert-mlm", "nomic_bert", "masked_lm", hidden=40),
        Checkpoint(
            "nomic-bert-sentiment",
            "nomic_bert",
            classify,
            labels=SENTIMENT,
            storage="F16",
            published=True,
        ),
        Checkpoint("nomic-bert-ner-cased", "nomic_bert", tokens, labels=ENTITIES, cased=True),
        Checkpoint(
            "modernbert-base", "modernbert", layers=5, config={"local_attention": 16}, tasks=pool
        ),
        Checkpoint(
            "modernbert-mlm", "modernbert", "masked_lm", hidden=40, layers=3, config=LOCAL_8
        ),
        Checkpoint(
            "modernbert-sentiment",
            "modernbert",
            classify,
            labels=SENTIMENT,
            storage="F16",
            config={"classifier_pooling": "mean", "norm_bias": True, **LOCAL_8},
        ),
        Checkpoint(
            "modernbert-cross-encoder",
            "modernbert",
            classify,
            layers=4,
            labels=["LABEL_0"],
            config={"attention_bias": True, "mlp_bias": True, "classifier_bias": True, **LOCAL_8},
            tasks={"pairs": True, "rerank": True},
        ),
        Checkpoint(
            "modernbert-byte-level-mlm",
            "modernbert",
            "masked_lm",
            layers=4,
            subwords="byte_level",
            config=LOCAL_8,
        ),
        Checkpoint(
            "modernbert-ner-cased", "modernbert", tokens, labels=ENTITIES, cased=True, config=LOCAL_8
        ),
        Checkpoint(
            "modernbert-qa", "modernbert", "question_answering", storage="BF16", config=LOCAL_8
        ),
        Checkpoint("bert-base-silu", "bert", activation="silu", pooler=False, tasks=pool),
        Checkpoint("bert-base-quick-gelu", "bert", activation="quick_gelu", pooler=False, tasks=pool),
        Checkpoint(
            "distilbert-base-legacy-bin",
            "distilbert",
            activation="gelu_10",
            storage=LEGACY,
            tasks=pool,
        ),
        Checkpoint(
            "st-mpnet-mean",
            "mpnet",
            pooler=False,
            published=True,
            sentence={"max_seq_length": 32, "legacy": True},
            tasks={"pooling": "mean", "normalize": True, "sentence_transformers": True},
        ),
        Checkpoint(
            "st-mpnet-cls",
            "mpnet",
            pooler=False,
            published=True,
            storage="F16",
            sentence={"max_seq_length": 24, "legacy": True},
            tasks={"pooling": "cls", "normalize": False, "sentence_transformers": True},
        ),
        Checkpoint(
            "st-nomic-bert-mean",
            "nomic_bert",
            pooler=False,
            published=True,
            sentence={"max_seq_length": 40, "legacy": True},
            tasks={"pooling": "mean", "normalize": True, "sentence_transformers": True},
        ),
        Checkpoint(
            "st-modernbert-cls",
            "modernbert",
            layers=4,
            subwords="byte_level",
            config=LOCAL_8,
            sentence={"max_seq_length": 48, "legacy": True},
            tasks={"pooling": "cls", "normalize": False, "sentence_transformers": True},
        ),
        Checkpoint(
            "st-bert-mean",
            "bert",
            pooler=False,
            sentence={"max_seq_length": 24, "legacy": True},
            tasks={"pooling": "mean", "normalize": True, "sentence_transformers": True},
        ),
        Checkpoint(
            "st-bert-fff-cls",
            "bert",
            pooler=False,
            fff=(3, 2),
            sentence={"max_seq_length": 32, "legacy": False},
            tasks={"pooling": "cls", "normalize": False, "sentence_transformers": True},
        ),
        Checkpoint(
            "st-distilbert-max",
            "distilbert",
            storage="F16",
            sentence={"max_seq_length": 16, "legacy": True},
            tasks={"pooling": "max", "normalize": True, "sentence_transformers": True},
        ),
    ]
