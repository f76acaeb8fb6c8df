from pathlib import Path

import tiktoken
from tiktoken.load import load_tiktoken_bpe

encoding = tiktoken.Encoding(
    "small",
    pat_str=r"\S+|\s+",
    mergeable_ranks=load_tiktoken_bpe(str(Path(__file__).with_name("vocabulary.tiktoken"))),
    special_tokens={},
)


def handle(inputs):
    return {"tokens": encoding.encode(inputs["text"])}
