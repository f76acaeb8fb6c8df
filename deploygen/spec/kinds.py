from typing import Annotated

from pydantic import AfterValidator, Field

from deploygen.spec import handlers, requirements, rules
from deploygen.spec.fields import LONGEST_VALUE, between, matching, plain_text

LONGEST_NAME = 63

Name = Annotated[
    str,
    matching(
        rf"(?=.{{1,{LONGEST_NAME}}}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*",
        f"the name of an image: 1 to {LONGEST_NAME} of a-z, 0-9 and, between these, "
        "single '.', '_' or '-'",
    ),
]
AgentId = Annotated[
    str,
    matching(r"[A-Za-z0-9._:-]{1,255}", "1 to 255 of A-Z, a-z, 0-9, '.', '_', ':', '-'"),
    AfterValidator(rules.free_id),
]
Version = Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,63}", "like 1.2.0 or 2026.7-rc1")]
Handler = Annotated[
    str,
    matching(
        handlers.PATTERN,
        "module:function",
        hint=handlers.meant,
    ),
    AfterValidator(handlers.importable),
]
Pattern = Annotated[
    str,
    matching(
        r"(?![!#\s])(?!.*(^|/)\.\.(/|$))(?=.*[^/\s])[^\\\x00-\x1f]{1,255}(?<!\s)",
        "a pattern of paths, such as prompts/ or *.csv, without '!', '\\\\' and '..'",
    ),
    AfterValidator(rules.pattern),
]
Image = Annotated[
    str,
    matching(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}", "an image such as python:3.13-slim"),
    AfterValidator(rules.base_image),
]
Port = Annotated[
    int,
    between(
        1024,
        rules.HIGHEST_PORT,
        because="the agent does not run as root, which the ports below need",
    ),
]
Requirement = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_VALUE),
    AfterValidator(plain_text),
    AfterValidator(requirements.requirement),
]
SystemPackage = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9+._-]{0,127}(=[A-Za-z0-9][A-Za-z0-9+.:~_-]{0,127})?",
        "the name of a package such as libgl1, perhaps with =VERSION",
    ),
]
Dependency = Annotated[
    str,
    Field(min_length=1, max_length=rules.LONGEST_URL),
    AfterValidator(rules.dependency),
]
IndexUrl = Annotated[
    str,
    AfterValidator(requirements.index_url),
    Field(json_schema_extra={"pattern": "^https?://[^@?#]+$", "maxLength": rules.LONGEST_URL}),
]
