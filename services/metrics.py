"""Metrics: every counter and histogram of the system, so that names and labels are seen at once.

Labels hold closed sets only: never a patient, a clinician or a drug with an id.
"""

from prometheus_client import Counter, Gauge, Histogram

# Edges at the service-level objectives. Source: decision path never over 500 ms.
LATENCY_BUCKETS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0)

HTTP_REQUESTS = Counter(
    "clinaiops_http_requests_total",
    "HTTP requests by door, route template and status.",
    ("door", "route", "status"),
)
HTTP_LATENCY = Histogram(
    "clinaiops_http_request_seconds",
    "Time to answer, by door and route template.",
    ("door", "route"),
    buckets=LATENCY_BUCKETS_S,
)
UPLOADED_ITEMS = Counter(
    "clinaiops_uploaded_items_total", "Uploaded items by kind and result.", ("kind", "result")
)
VERDICTS = Counter("clinaiops_verdicts_total", "Judgements by kind of verdict.", ("kind",))
VERDICT_LATENCY = Histogram(
    "clinaiops_reading_to_verdict_seconds",
    "From a stored reading to its verdict.",
    buckets=LATENCY_BUCKETS_S,
)
RANKING_LATENCY = Histogram(
    "clinaiops_ranking_seconds",
    "From asking the predictor to its answer, waiting for a batch included.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
)
RANKING_BATCH = Histogram(
    "clinaiops_ranking_batch_patients", "Patients ranked together.", buckets=(1, 2, 4, 8, 16, 32)
)
RANKING_UNAVAILABLE = Counter(
    "clinaiops_ranking_unavailable_total",
    "Rankings that the predictor did not give, by cause; the titrator ranked.",
    ("cause",),
)
SHADOW_RANKINGS = Counter(
    "clinaiops_shadow_rankings_total",
    "Rankings by a candidate beside the one in charge, by how the first moves compare.",
    ("result",),
)
SHADOW_CORRELATION = Histogram(
    "clinaiops_shadow_correlation",
    "Rank correlation of a candidate's order with that of the ranker in charge.",
    buckets=(-0.5, 0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0),
)
ENACTMENTS = Counter(
    "clinaiops_enactments_total",
    "Dose steps carried out or refused at enactment.",
    ("basis", "outcome"),
)
STEP_EFFECTS = Counter(
    "clinaiops_step_effects_total",
    "Enacted steps by where their effect lay against what the ranker had bounded.",
    ("effect",),
)
PLANS_LOWERED = Counter(
    "clinaiops_plans_lowered_total", "Signed plans lowered by themselves, by setback.", ("setback",)
)
ALARMS = Counter(
    "clinaiops_alarms_total", "Alarms opened, by cause and urgency.", ("cause", "urgency")
)
PAGES = Counter(
    "clinaiops_pages_total", "Messages to people, by channel and result.", ("channel", "result")
)
OUTBOX_WAITING = Gauge("clinaiops_outbox_waiting", "Outbox messages not yet delivered.")
OUTBOX_SET_APART = Counter(
    "clinaiops_outbox_set_apart_total", "Outbox messages that could not be delivered as written."
)
WINDOWS_WAITING = Gauge("clinaiops_windows_waiting", "Wearable windows not yet graded.")
EVENTS_UNSEALED = Gauge("clinaiops_events_unsealed", "Log events not yet in the Merkle tree.")
LOG_SIZE = Gauge("clinaiops_log_leaves", "Leaves in the Merkle tree.")
LOG_UNWITNESSED = Gauge("clinaiops_log_unwitnessed_leaves", "Leaves not yet seen by the witness.")
