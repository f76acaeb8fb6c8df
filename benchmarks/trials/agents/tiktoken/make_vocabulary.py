"""Stands for the download of a vocabulary, which needs the network."""

import base64
from pathlib import Path

tokens = [*(bytes([number]) for number in range(256)), b"ab", b"abab"]
lines = [f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(tokens)]
Path("vocabulary.tiktoken").write_text("".join(lines))
