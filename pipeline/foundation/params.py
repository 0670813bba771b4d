"""Parameter files: one YAML file per stage, one frozen pydantic model per file."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.foundation.errors import ParamsError, listed

# Plain wording for pydantic's technical messages.
PLAIN = {
    "too_short": "it needs more entries",
    "tuple_type": "it must be a list, such as [one, two]",
    "dict_type": "it must be a mapping of names to values; {} is none",
}


class Params(BaseModel):
    """Base class of every parameter model: frozen; an unknown (misspelt) key, NaN and infinity are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class ThresholdParams(Params):
    """How the threshold of every model is learned from the out-of-fold scores of the training patients."""

    rule: Literal["youden", "sensitivity", "cost"]
    sensitivity: float = Field(gt=0, le=1, description="sensitivity to reach, for rule sensitivity")
    cost_ratio: float = Field(gt=0, le=1000, description="cost of a missed event in false alarms, for rule cost")


class CommonParams(Params):
    """`params/common.yaml`: parameters shared by every stage."""

    seed: int = Field(ge=0, le=2**31 - 1, description="seed of every random choice")
    threshold: ThresholdParams


P = TypeVar("P", bound=Params)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML 1.2 mapping (so that 1e-3 is a number and `no` is text).

    Raises ParamsError if the file is missing, is not YAML or is not a mapping.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(f"{path}: there is no such params file") from error
    except (YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split()).partition(" To suppress this check")[0]
        raise ParamsError(f"{path}: not readable as YAML ({reason})") from error
    if not isinstance(content, dict):
        found = "nothing" if content is None else type(content).__name__
        raise ParamsError(f"{path}: must be a mapping of keys to values, found {found}")
    return content


def load_params(path: Path, model: type[P]) -> P:
    """Load a params file into its model.

    Raises ParamsError with one sentence per fault: file, key, value and what is allowed.
    """
    content = read_yaml(path)
    faults = [f"key '{key}' has the value {value}: must be a finite number" for key, value in _not_finite(content)]
    if not faults:
        try:
            return model.model_validate(content)
        except ValidationError as error:
            faults = [_sentence(fault, model) for fault in error.errors()]
    if len(faults) == 1:
        raise ParamsError(f"{path}: {faults[0]}")
    raise ParamsError(listed(faults, heading=f"{path}: {len(faults)} values are not allowed"))


def _not_finite(content: Any, *, key: str = "") -> Iterator[tuple[str, float]]:
    """Every NaN and infinity with its key, also inside settings that a model passes on unread."""
    if isinstance(content, float) and not math.isfinite(content):
        yield key, content
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in inside:
        yield from _not_finite(value, key=f"{key}.{name}".lstrip("."))


def _sentence(fault: Any, model: type[Params]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = ", ".join(_keys_beside(fault["loc"], model))
        return f"key '{key}' is not known here; allowed keys are {known}"
    if fault["type"] == "missing":
        return f"key '{key}' is missing"
    if fault["loc"] and fault["loc"][-1] == "[key]":  # YAML reads 17 as a number
        return f"key '{key.removesuffix('.[key]')}' is read as a number or a date; write it in quotes"
    message = PLAIN.get(fault["type"], fault["msg"]).removeprefix("Value error, ")
    if not key:  # a rule over several keys, which it names itself
        return message
    return f"key '{key}' has the value {fault['input']!r}: {message[0].lower()}{message[1:]}"


def _keys_beside(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The keys allowed at the level of an unknown key, following nested models."""
    current: type[BaseModel] = model
    for part in location[:-1]:
        annotation = current.model_fields[str(part)].annotation if part in current.model_fields else None
        # A section that may be absent is a union: `BusiParams | None`.
        for option in (annotation, *get_args(annotation)):
            if isinstance(option, type) and issubclass(option, BaseModel):
                current = option
    return sorted(current.model_fields)
