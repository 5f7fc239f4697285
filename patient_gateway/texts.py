"""What the patient reads, in English and Chinese: plain words, an action first."""

from dataclasses import dataclass

from services.clinical.alarms import Urgency
from services.clinical.formulary import Drug
from services.loop_results import ReminderReason

# Numbers that reach an ambulance, by the zone's region; 112 works from mobile phones in most of
# the world. Source: national emergency numbers [K].
_NUMBERS_BY_PREFIX = (
    ("Asia/Shanghai", "120"),
    ("Asia/Urumqi", "120"),
    ("Asia/Hong_Kong", "999"),
    ("Asia/Macau", "999"),
    ("Asia/Tokyo", "119"),
    ("Asia/Singapore", "995"),
    ("Europe/London", "999"),
    ("Australia/", "000"),
    ("America/", "911"),
    ("US/", "911"),
    ("Canada/", "911"),
)


def emergency_number(timezone: str) -> str:
    """Return the number that calls an ambulance where the patient lives."""
    found = (number for prefix, number in _NUMBERS_BY_PREFIX if timezone.startswith(prefix))
    return next(found, "112")


@dataclass(frozen=True, slots=True)
class Instructions:
    """A title and what to do, in order. `{number}` is the emergency number."""

    title: str
    lines: tuple[str, ...]


_INSTRUCTIONS: dict[Urgency, dict[str, Instructions]] = {
    Urgency.EMERGENCY: {
        "en": Instructions(
            "This is an emergency",
            (
                "Call {number} now. Do not drive yourself.",
                "Sit or lie down and stay with someone.",
                "Your care team is being called as well. Do not wait for them.",
            ),
        ),
        "zh-CN": Instructions(
            "这是紧急情况",
            (
                "请立即拨打 {number}。不要自己开车。",
                "请坐下或躺下，并让人陪伴您。",
                "我们也在通知您的医护团队，请不要等待他们。",
            ),
        ),
    },
    Urgency.REPEAT: {
        "en": Instructions(
            "Very high reading: measure again in 5 minutes",
            (
                "Sit quietly for 5 minutes, then measure again and send the reading.",
                "Call {number} at once if you have chest pain, are short of breath, are weak on"
                " one side, confused, cannot speak or see well, or have a very bad headache.",
                "Do not take extra tablets.",
            ),
        ),
        "zh-CN": Instructions(
            "血压非常高：请在 5 分钟后重新测量",
            (
                "请静坐 5 分钟，然后重新测量并发送读数。",
                "如有胸痛、呼吸困难、一侧无力、意识混乱、说话或视物困难、剧烈头痛，"
                "请立即拨打 {number}。",
                "请不要自行加药。",
            ),
        ),
    },
    Urgency.SAME_DAY: {
        "en": Instructions(
            "Your care team will contact you today",
            (
                "Stay where you can be reached. A clinician is being told now.",
                "Call {number} at once if you have chest pain, are short of breath, are weak on one"
                " side, confused, cannot speak or see well, faint, or have a very bad headache.",
                "Do not take extra tablets.",
            ),
        ),
        "zh-CN": Instructions(
            "您的医护团队今天会联系您",
            (
                "请保持电话畅通，我们正在通知医生。",
                "如有胸痛、呼吸困难、一侧无力、意识混乱、说话或视物困难、晕倒、剧烈头痛，"
                "请立即拨打 {number}。",
                "请不要自行加药。",
            ),
        ),
    },
    Urgency.QUEUE: {
        "en": Instructions(
            "Please measure again now",
            (
                "Something that you sent needs a look. Your care team will see it.",
                "Sit for 5 minutes, measure twice and send both readings.",
                "In an emergency call {number}.",
            ),
        ),
        "zh-CN": Instructions(
            "请现在重新测量",
            (
                "您发送的内容需要查看，您的医护团队会看到。",
                "请静坐 5 分钟，测量两次并发送读数。",
                "紧急情况请拨打 {number}。",
            ),
        ),
    },
}


def instructions(urgency: Urgency, language: str, number: str) -> Instructions:
    """Return what to do about an alarm of this urgency."""
    found = _INSTRUCTIONS[urgency][language]
    return Instructions(found.title, tuple(line.format(number=number) for line in found.lines))


_ASKED: dict[ReminderReason, tuple[str, str]] = {
    ReminderReason.READINGS_DUE: (
        "Measure twice in the morning and twice in the evening for 7 days.",
        "请连续 7 天，早晚各测量两次血压。",
    ),
    ReminderReason.ADVICE_WAITS: ("Answer the step that is offered.", "请答复剂量调整建议。"),
    ReminderReason.LABS_DUE: ("Have your blood test taken.", "请去做血液检查。"),
    ReminderReason.SYMPTOM_CHECK: ("Tell us how you feel.", "请告诉我们您的感觉。"),
    ReminderReason.NEXT_WINDOW: (
        "A new week of measuring begins: twice morning and evening.",
        "新的一周测量开始：早晚各两次。",
    ),
    ReminderReason.GOAL_WAITS: ("Answer the goal that is proposed.", "请答复提出的目标。"),
    ReminderReason.INFORMATION_REQUESTED: (
        "Your clinician has a question; see your messages.",
        "医生有问题想问您，请查看消息。",
    ),
    ReminderReason.REPEAT_READING: ("Measure again now.", "请现在重新测量。"),
    ReminderReason.VISIT_SOON: ("Your visit is soon.", "您即将就诊。"),
    ReminderReason.CUFF_CHECK: (
        "Sit and rest for 5 minutes, then measure with your cuff.",
        "请静坐休息 5 分钟，然后用袖带血压计测量一次。",
    ),
}


def asked_text(reason: ReminderReason, language: str) -> str:
    """Return what a reminder asks of the patient."""
    english, chinese = _ASKED[reason]
    return chinese if language == "zh-CN" else english


_DRUGS_IN_CHINESE: dict[Drug, str] = {
    Drug.LISINOPRIL: "赖诺普利",
    Drug.ENALAPRIL: "依那普利",
    Drug.RAMIPRIL: "雷米普利",
    Drug.PERINDOPRIL: "培哚普利",
    Drug.BENAZEPRIL: "贝那普利",
    Drug.LOSARTAN: "氯沙坦",
    Drug.TELMISARTAN: "替米沙坦",
    Drug.VALSARTAN: "缬沙坦",
    Drug.CANDESARTAN: "坎地沙坦",
    Drug.OLMESARTAN: "奥美沙坦",
    Drug.IRBESARTAN: "厄贝沙坦",
    Drug.AZILSARTAN: "阿齐沙坦",
    Drug.CHLORTHALIDONE: "氯噻酮",
    Drug.INDAPAMIDE: "吲达帕胺",
    Drug.HYDROCHLOROTHIAZIDE: "氢氯噻嗪",
    Drug.AMLODIPINE: "氨氯地平",
    Drug.FELODIPINE: "非洛地平",
    Drug.NIFEDIPINE: "硝苯地平",
    Drug.BISOPROLOL: "比索洛尔",
    Drug.METOPROLOL: "美托洛尔",
    Drug.NEBIVOLOL: "奈必洛尔",
    Drug.CARVEDILOL: "卡维地洛",
    Drug.SPIRONOLACTONE: "螺内酯",
    Drug.EPLERENONE: "依普利酮",
}


def drug_name(drug: Drug, language: str) -> str:
    """Return the drug's name as it stands on the packet."""
    return _DRUGS_IN_CHINESE[drug] if language == "zh-CN" else drug.value.capitalize()


def change_text(drug: Drug, from_dose: str, to_dose: str | None, language: str) -> str:
    """Return one change of dose in a sentence; `to_dose` None: the drug is not taken any more."""
    name = drug_name(drug, language)
    if language == "zh-CN":
        after = "停用" if to_dose is None else f"每天 {to_dose}"
        return f"{name}：从每天 {from_dose} 改为{after}"
    after = "none" if to_dose is None else f"{to_dose} a day"
    return f"{name}: from {from_dose} a day to {after}"


def read_back_text(changes: tuple[str, ...], language: str) -> str:
    """Return the sentence that the patient ticks before accepting."""
    if language == "zh-CN":
        return "我已阅读并将照此服药：" + "；".join(changes)
    return "I have read this and will take: " + "; ".join(changes)
