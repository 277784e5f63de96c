"""What may be: every bound of `make reliability` and of the guards in `make test`."""

import os

#: Seconds that an echo of a healthy client may take beside an attack: on a quiet machine, or so many times as long as
#: its slowest without the attack.
STALL = 0.05
STALL_TIMES = 3.0
#: MiB that an attack may add, at the peak.
ATTACK_MEMORY = 32.0

#: A client that does not read.
PAUSED_MEMORY = 16.0
#: Seconds after the last message until it is closed.
PAUSED_CLOSED = 1.0

#: Seconds until connections without a whole head are cut, and those that drip in any other way; and that a request of
#: a quick client may take meanwhile.
DRIP_HEAD = 15.0
DRIP_ANY = 65.0
CONNECT_P99 = 0.5

#: Seconds beyond ping_interval + ping_timeout until a client behind a dead network is gone.
HALF_OPEN_SLACK = 1.0

#: Seconds that an echo may take while handlers block and one burns.
BLOCKED_P99 = 0.05

#: For which clients come and go in `make soak`; CHURN_SECONDS in the environment says otherwise.
SOAK_SECONDS = float(os.environ.get("CHURN_SECONDS", "600"))
#: The same in `make reliability`.
CHURN_SECONDS = float(os.environ.get("CHURN_SECONDS", "60"))
#: What churn may leave behind.
CHURN_MEMORY = 5.0
CHURN_DESCRIPTORS = 5
#: Idle threads for handlers end after 10 s.
CHURN_THREADS = 8
CHURN_TASKS = 2
#: For each client that has gone: one that is not freed has dozens.
CHURN_OBJECTS = 0.1

#: In `make test`, on machines that do other things as well: so many times as much.
GUARD = 10.0
