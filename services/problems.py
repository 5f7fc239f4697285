"""RFC 9457 problem documents, shared by both doors: a closed table of kinds in two languages.

A problem never repeats a value that was sent: it names the field and what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:clinaiops:problem:"
LANGUAGES = ("en", "zh-CN")


class ProblemCode(StrEnum):
    """Stable codes; the `type` is a URN ending in the code."""

    MALFORMED_JSON = "malformed_json"
    INVALID_INPUT = "invalid_input"
    UNKNOWN_CODE = "unknown_code"
    WRONG_UNIT = "wrong_unit"
    IMPOSSIBLE_READING = "impossible_reading"
    IN_THE_FUTURE = "in_the_future"
    TIME_WITHOUT_OFFSET = "time_without_offset"
    CONFLICTING_ITEM = "conflicting_item"
    EMPTY_WINDOW = "empty_window"
    NOT_A_NUMBER = "not_a_number"
    RATE_OUT_OF_RANGE = "rate_out_of_range"
    UNREADABLE_DOSE = "unreadable_dose"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_ALLOWED = "not_allowed"
    NO_CONSENT = "no_consent"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NO_LONGER_OPEN = "no_longer_open"
    CODE_REFUSED = "code_refused"
    REFRESH_REFUSED = "refresh_refused"
    SIGN_IN_REFUSED = "sign_in_refused"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    IDEMPOTENCY_KEY_IN_FLIGHT = "idempotency_key_in_flight"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    VERSION_MISSING = "version_missing"
    VERSION_CHANGED = "version_changed"
    BUNDLE_REFUSED = "bundle_refused"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_MANY_REQUESTS = "too_many_requests"
    REJECTED = "rejected"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    english: str
    chinese: str


_KINDS: dict[ProblemCode, _Kind] = {
    ProblemCode.MALFORMED_JSON: _Kind(400, "The body is not JSON", "请求内容不是有效的 JSON"),
    ProblemCode.INVALID_INPUT: _Kind(422, "A field is missing or wrong", "字段缺失或不正确"),
    ProblemCode.UNKNOWN_CODE: _Kind(422, "A code is not known here", "代码无法识别"),
    ProblemCode.WRONG_UNIT: _Kind(422, "The unit is missing or wrong", "单位缺失或不正确"),
    ProblemCode.IMPOSSIBLE_READING: _Kind(
        422, "This cannot be a blood pressure; measure again", "血压数值不可能，请重新测量"
    ),
    ProblemCode.IN_THE_FUTURE: _Kind(
        422, "The time lies in the future; check the clock", "时间在未来，请检查设备时钟"
    ),
    ProblemCode.TIME_WITHOUT_OFFSET: _Kind(
        422, "The time needs its offset from UTC", "时间缺少时区偏移"
    ),
    ProblemCode.CONFLICTING_ITEM: _Kind(
        409, "This id was used for other content", "该编号已用于其他内容"
    ),
    ProblemCode.EMPTY_WINDOW: _Kind(422, "The window holds no samples", "数据窗口没有样本"),
    ProblemCode.NOT_A_NUMBER: _Kind(422, "A sample is not a finite number", "样本不是有限数值"),
    ProblemCode.RATE_OUT_OF_RANGE: _Kind(
        422, "The sampling rate does not fit this kind of signal", "采样率不适合此类信号"
    ),
    ProblemCode.UNREADABLE_DOSE: _Kind(
        422, "Write the dose with its unit, such as 5 mg", "请写明剂量和单位，例如 5 mg"
    ),
    ProblemCode.NOT_SIGNED_IN: _Kind(401, "Sign in first", "请先登录"),
    ProblemCode.NOT_ALLOWED: _Kind(403, "This is not allowed", "没有权限"),
    ProblemCode.NO_CONSENT: _Kind(403, "Consent is needed first", "需要先获得您的同意"),
    ProblemCode.NOT_FOUND: _Kind(404, "There is no such thing here", "未找到"),
    ProblemCode.METHOD_NOT_ALLOWED: _Kind(405, "This cannot be done here", "不支持此操作"),
    ProblemCode.NO_LONGER_OPEN: _Kind(409, "This is no longer open", "此项已关闭"),
    ProblemCode.CODE_REFUSED: _Kind(
        403, "The code is wrong, used or too old; ask the clinic", "代码错误、已使用或已过期"
    ),
    ProblemCode.REFRESH_REFUSED: _Kind(401, "Enrol this device again", "请重新登记此设备"),
    ProblemCode.SIGN_IN_REFUSED: _Kind(
        401, "The name or the password is wrong", "用户名或密码错误"
    ),
    ProblemCode.IDEMPOTENCY_KEY_MISSING: _Kind(
        400, "Send an Idempotency-Key of 8 to 128 characters", "缺少 Idempotency-Key"
    ),
    ProblemCode.IDEMPOTENCY_KEY_IN_FLIGHT: _Kind(
        409, "The same request is still being answered", "相同请求正在处理中"
    ),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: _Kind(
        422, "This Idempotency-Key was used for another request", "Idempotency-Key 已用于其他请求"
    ),
    ProblemCode.VERSION_MISSING: _Kind(428, "Send If-Match", "缺少 If-Match"),
    ProblemCode.VERSION_CHANGED: _Kind(412, "It has changed since you saw it", "内容已更改"),
    ProblemCode.BUNDLE_REFUSED: _Kind(422, "The record cannot be imported", "无法导入该记录"),
    ProblemCode.TOO_LARGE: _Kind(413, "The body is too large; send less at once", "请求内容过大"),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: _Kind(415, "Send application/json", "请发送 JSON"),
    ProblemCode.TOO_MANY_REQUESTS: _Kind(429, "Too many requests; wait", "请求过多，请稍候"),
    ProblemCode.REJECTED: _Kind(409, "This was not carried out", "操作未执行"),
    ProblemCode.TEMPORARILY_UNAVAILABLE: _Kind(
        503, "Not available just now; try again", "暂时不可用，请重试"
    ),
    ProblemCode.INTERNAL_ERROR: _Kind(500, "Something went wrong here", "服务器出错"),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is wrong: `pointer` is a JSON pointer, `detail` says what is expected."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is written in a language. `detail` holds no value that was sent."""

    code: ProblemCode
    detail: str | None = None
    errors: tuple[FieldError, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return _KINDS[self.code].status

    def document(self, language: str = "en") -> dict[str, object]:
        """Return the problem document, its title in `language` (one of LANGUAGES)."""
        kind = _KINDS[self.code]
        document: dict[str, object] = {
            "type": TYPE_PREFIX + self.code.value,
            "title": kind.chinese if language == "zh-CN" else kind.english,
            "status": kind.status,
            "code": self.code.value,
            **dict(self.extra),
        }
        if self.detail is not None:
            document["detail"] = self.detail
        if self.errors:
            document["errors"] = [
                {"pointer": error.pointer, "detail": error.detail} for error in self.errors
            ]
        return document


class ProblemRaised(Exception):
    """Carries a problem to the door's edge, where it becomes the answer."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        extra: tuple[tuple[str, str], ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code.value)
        self.problem = Problem(code, detail, errors, extra)
        self.headers = dict(headers or {})


def language_of(accept_language: str | None) -> str:
    """Return the best of LANGUAGES for an Accept-Language header; English when in doubt."""
    if accept_language is None:
        return "en"
    ranked = sorted(_ranges(accept_language[:256]), key=lambda item: -item[1])
    for tag, weight in ranked:
        if weight > 0 and tag.split("-")[0] in ("en", "zh"):
            return "zh-CN" if tag.startswith("zh") else "en"
    return "en"


def json_pointer(location: Sequence[str | int]) -> str:
    """Return the RFC 6901 pointer of a path of names and indices."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _ranges(header: str) -> list[tuple[str, float]]:
    ranges = []
    for part in header.split(","):
        tag, _, parameter = part.strip().partition(";")
        ranges.append((tag.strip().lower(), _quality(parameter)))
    return ranges


def _quality(parameter: str) -> float:
    name, _, number = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0
