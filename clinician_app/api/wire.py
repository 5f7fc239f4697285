"""What all bodies on the wire have in common: strict, closed, and UTC."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints


class Out(BaseModel):
    """A response body. Unknown fields are a defect, not an extension."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class In(BaseModel):
    """A request body: unknown fields and loose types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)


Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=False)]
Instant = AwareDatetime
