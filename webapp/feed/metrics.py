"""What one web process counts, served on /metrics for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

_MS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

SOCKETS = Gauge("tessera_feed_sockets", "Sockets of annotators that have said hello")
IDLE = Gauge("tessera_feed_idle", "Annotators who want work and have none")
ANSWERS = Counter("tessera_feed_answers", "Answers by what became of them", ["status"])
TRIED = Counter(
    "tessera_feed_tried",
    "Idle annotators tried because work was announced, or on a look now and then",
    ["why"],
)
OFFERS = Counter("tessera_feed_offers", "Tasks offered")
MISSED = Counter("tessera_feed_missed", "Tasks chosen that another process had just taken")
MESSAGES = Counter("tessera_feed_messages", "Messages received from annotators")
REFUSED = Counter("tessera_feed_refused", "Messages refused, by code", ["code"])
ROUND_S = Histogram(
    "tessera_feed_round_seconds", "Duration of one transaction of the dispatcher", buckets=_MS
)
ROUND_SIZE = Histogram(
    "tessera_feed_round_answers",
    "Answers in one transaction",
    buckets=(0, 1, 2, 5, 10, 20, 50, 100, 200, 500),
)
WAIT_S = Histogram(
    "tessera_feed_ack_seconds", "From the arrival of an answer to its acknowledgement", buckets=_MS
)
FAILED = Counter("tessera_feed_failed_rounds", "Transactions that failed and were tried again")
