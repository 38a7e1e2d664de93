"""One twistd command for each daemon role; ``twistd mesos-master --help``."""

from twisted.application.service import ServiceMaker

mesos_master = ServiceMaker(
    name="mesostw master",
    module="mesostw.daemons.master",
    description="Offer the agents' resources to frameworks.",
    tapname="mesos-master",
)

mesos_agent = ServiceMaker(
    name="mesostw agent",
    module="mesostw.daemons.agent",
    description="Run tasks on this machine for a master.",
    tapname="mesos-agent",
)

marathon = ServiceMaker(
    name="mesostw marathon",
    module="mesostw.daemons.marathon",
    description="Keep apps running on a cluster.",
    tapname="marathon",
)

chronos = ServiceMaker(
    name="mesostw chronos",
    module="mesostw.daemons.chronos",
    description="Run jobs on a clock and after each other.",
    tapname="chronos",
)

mesos_local = ServiceMaker(
    name="mesostw local cluster",
    module="mesostw.daemons.local",
    description="A master, agents, Marathon and Chronos on this machine, each its own process.",
    tapname="mesos-local",
)
