"""What containers use, as measured: the fields of ``/monitor/statistics``."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.containers import DeviceNumber
from mesostw.messages.counters import (
    IcmpStatistics,
    IpStatistics,
    PerfStatistics,
    TcpStatistics,
    UdpStatistics,
)
from mesostw.messages.fields import Body, Uint32, Uint64
from mesostw.messages.ids import ContainerID, TaskID
from mesostw.messages.resources import DiskSource, Persistence, Resource
from mesostw.messages.tasks import ExecutorInfo
from mesostw.messages.values import Labels, Range
from mesostw.model.enums import WireEnum


class ResourceStatistics(Body, frozen=True, kw_only=True):
    """What one container uses, at one moment."""

    #: Seconds since 1970.
    timestamp: Annotated[float, 1]
    processes: Annotated[Uint32 | None, 30] = None
    threads: Annotated[Uint32 | None, 31] = None
    cpus_user_time_secs: Annotated[float | None, 2] = None
    cpus_system_time_secs: Annotated[float | None, 3] = None
    #: CPUs that may be used at most.
    cpus_limit: Annotated[float | None, 4] = None
    #: CPUs that were asked for.
    cpus_soft_limit: Annotated[float | None, 45] = None
    #: Periods of the kernel's quota so far, and ...
    cpus_nr_periods: Annotated[Uint32 | None, 7] = None
    #: ... those in which the quota was used up, and ...
    cpus_nr_throttled: Annotated[Uint32 | None, 8] = None
    #: ... the time that was lost so.
    cpus_throttled_time_secs: Annotated[float | None, 9] = None
    mem_total_bytes: Annotated[Uint64 | None, 36] = None
    mem_total_memsw_bytes: Annotated[Uint64 | None, 37] = None
    mem_kmem_usage_bytes: Annotated[Uint64 | None, 52] = None
    mem_kmem_tcp_usage_bytes: Annotated[Uint64 | None, 53] = None
    #: Over this the container is killed.
    mem_limit_bytes: Annotated[Uint64 | None, 6] = None
    mem_soft_limit_bytes: Annotated[Uint64 | None, 38] = None
    mem_file_bytes: Annotated[Uint64 | None, 10] = None
    mem_anon_bytes: Annotated[Uint64 | None, 11] = None
    mem_cache_bytes: Annotated[Uint64 | None, 39] = None
    #: Anonymous memory, which does not include files.
    mem_rss_bytes: Annotated[Uint64 | None, 5] = None
    mem_mapped_file_bytes: Annotated[Uint64 | None, 12] = None
    mem_swap_bytes: Annotated[Uint64 | None, 40] = None
    mem_unevictable_bytes: Annotated[Uint64 | None, 41] = None
    mem_low_pressure_counter: Annotated[Uint64 | None, 32] = None
    mem_medium_pressure_counter: Annotated[Uint64 | None, 33] = None
    mem_critical_pressure_counter: Annotated[Uint64 | None, 34] = None
    disk_limit_bytes: Annotated[Uint64 | None, 26] = None
    disk_used_bytes: Annotated[Uint64 | None, 27] = None
    disk_statistics: Annotated[tuple[DiskStatistics, ...], 43] = ()
    blkio_statistics: Annotated[BlkioStatistics | None, 44] = None
    perf: Annotated[PerfStatistics | None, 13] = None
    net_rx_packets: Annotated[Uint64 | None, 14] = None
    net_rx_bytes: Annotated[Uint64 | None, 15] = None
    net_rx_errors: Annotated[Uint64 | None, 16] = None
    net_rx_dropped: Annotated[Uint64 | None, 17] = None
    net_tx_packets: Annotated[Uint64 | None, 18] = None
    net_tx_bytes: Annotated[Uint64 | None, 19] = None
    net_tx_errors: Annotated[Uint64 | None, 20] = None
    net_tx_dropped: Annotated[Uint64 | None, 21] = None
    net_tx_rate_limit: Annotated[Uint64 | None, 46] = None
    net_tx_burst_rate_limit: Annotated[Uint64 | None, 47] = None
    net_tx_burst_size: Annotated[Uint64 | None, 48] = None
    net_rx_rate_limit: Annotated[Uint64 | None, 49] = None
    net_rx_burst_rate_limit: Annotated[Uint64 | None, 50] = None
    net_rx_burst_size: Annotated[Uint64 | None, 51] = None
    net_rate_statistics: Annotated[RateStatistics | None, 54] = None
    net_ephemeral_ports: Annotated[Range | None, 55] = None
    net_tcp_rtt_microsecs_p50: Annotated[float | None, 22] = None
    net_tcp_rtt_microsecs_p90: Annotated[float | None, 23] = None
    net_tcp_rtt_microsecs_p95: Annotated[float | None, 24] = None
    net_tcp_rtt_microsecs_p99: Annotated[float | None, 25] = None
    net_tcp_active_connections: Annotated[float | None, 28] = None
    net_tcp_time_wait_connections: Annotated[float | None, 29] = None
    net_traffic_control_statistics: Annotated[tuple[TrafficControlStatistics, ...], 35] = ()
    net_snmp_statistics: Annotated[SNMPStatistics | None, 42] = None


class RatePercentiles(Body, frozen=True, kw_only=True):
    """Percentiles of a rate within a window."""

    min: Annotated[Uint64 | None, 1] = None
    max: Annotated[Uint64 | None, 2] = None
    p50: Annotated[Uint64 | None, 3] = None
    p90: Annotated[Uint64 | None, 4] = None
    p95: Annotated[Uint64 | None, 5] = None
    p99: Annotated[Uint64 | None, 6] = None
    p999: Annotated[Uint64 | None, 7] = None
    p9999: Annotated[Uint64 | None, 8] = None
    samples: Annotated[Uint64 | None, 9] = None


class RateStatistics(Body, frozen=True, kw_only=True):
    """Percentiles of the rates of packets and bytes."""

    rx_rate: Annotated[RatePercentiles | None, 1] = None
    rx_packet_rate: Annotated[RatePercentiles | None, 2] = None
    rx_drop_rate: Annotated[RatePercentiles | None, 3] = None
    rx_error_rate: Annotated[RatePercentiles | None, 4] = None
    tx_rate: Annotated[RatePercentiles | None, 5] = None
    tx_packet_rate: Annotated[RatePercentiles | None, 6] = None
    tx_drop_rate: Annotated[RatePercentiles | None, 7] = None
    tx_error_rate: Annotated[RatePercentiles | None, 8] = None
    sampling_window_secs: Annotated[float | None, 9] = None
    sampling_interval_secs: Annotated[float | None, 10] = None


class ResourceUsage(Body, frozen=True, kw_only=True):
    """What all executors of an agent use."""

    executors: Annotated[tuple[ExecutorUsage, ...], 1] = ()
    total: Annotated[tuple[Resource, ...], 2] = ()


class ExecutorUsage(Body, frozen=True, kw_only=True):
    """What one executor uses."""

    executor_info: Annotated[ExecutorInfo, 1]
    allocated: Annotated[tuple[Resource, ...], 2] = ()
    statistics: Annotated[ResourceStatistics | None, 3] = None
    container_id: Annotated[ContainerID, 4]
    tasks: Annotated[tuple[TaskUsage, ...], 5] = ()


class TaskUsage(Body, frozen=True, kw_only=True):
    """The resources of a task within its executor's."""

    name: Annotated[str, 1]
    id: Annotated[TaskID, 2]
    resources: Annotated[tuple[Resource, ...], 3] = ()
    labels: Annotated[Labels | None, 4] = None


class DiskStatistics(Body, frozen=True, kw_only=True):
    """The limit and use of one disk."""

    source: Annotated[DiskSource | None, 1] = None
    persistence: Annotated[Persistence | None, 2] = None
    limit_bytes: Annotated[Uint64 | None, 3] = None
    used_bytes: Annotated[Uint64 | None, 4] = None


class TrafficControlStatistics(Body, frozen=True, kw_only=True):
    """Counters of one queueing discipline of the kernel."""

    id: Annotated[str, 1]
    backlog: Annotated[Uint64 | None, 2] = None
    bytes: Annotated[Uint64 | None, 3] = None
    drops: Annotated[Uint64 | None, 4] = None
    overlimits: Annotated[Uint64 | None, 5] = None
    packets: Annotated[Uint64 | None, 6] = None
    qlen: Annotated[Uint64 | None, 7] = None
    ratebps: Annotated[Uint64 | None, 8] = None
    ratepps: Annotated[Uint64 | None, 9] = None
    requeues: Annotated[Uint64 | None, 10] = None


class SNMPStatistics(Body, frozen=True, kw_only=True):
    """Network counters of a container, as ``/proc/net/snmp`` has them."""

    ip_stats: Annotated[IpStatistics | None, 1] = None
    icmp_stats: Annotated[IcmpStatistics | None, 2] = None
    tcp_stats: Annotated[TcpStatistics | None, 3] = None
    udp_stats: Annotated[UdpStatistics | None, 4] = None


class BlkioOperation(WireEnum):
    """Which operations a value counts."""

    UNKNOWN = "UNKNOWN", 0
    TOTAL = "TOTAL", 1
    READ = "READ", 2
    WRITE = "WRITE", 3
    SYNC = "SYNC", 4
    ASYNC = "ASYNC", 5
    DISCARD = "DISCARD", 6


class BlkioValue(Body, frozen=True, kw_only=True):
    """A counter of block input and output."""

    op: Annotated[BlkioOperation | None, 1] = None
    value: Annotated[Uint64 | None, 2] = None


class BlkioCFQStatistics(Body, frozen=True, kw_only=True):
    """What the CFQ scheduler counted for a device."""

    device: Annotated[DeviceNumber | None, 1] = None
    sectors: Annotated[Uint64 | None, 2] = None
    time: Annotated[Uint64 | None, 3] = None
    io_serviced: Annotated[tuple[BlkioValue, ...], 4] = ()
    io_service_bytes: Annotated[tuple[BlkioValue, ...], 5] = ()
    io_service_time: Annotated[tuple[BlkioValue, ...], 6] = ()
    io_wait_time: Annotated[tuple[BlkioValue, ...], 7] = ()
    io_merged: Annotated[tuple[BlkioValue, ...], 8] = ()
    io_queued: Annotated[tuple[BlkioValue, ...], 9] = ()


class BlkioThrottlingStatistics(Body, frozen=True, kw_only=True):
    """What throttling counted for a device."""

    device: Annotated[DeviceNumber | None, 1] = None
    io_serviced: Annotated[tuple[BlkioValue, ...], 2] = ()
    io_service_bytes: Annotated[tuple[BlkioValue, ...], 3] = ()


class BlkioStatistics(Body, frozen=True, kw_only=True):
    """What was counted for block devices."""

    cfq: Annotated[tuple[BlkioCFQStatistics, ...], 1] = ()
    cfq_recursive: Annotated[tuple[BlkioCFQStatistics, ...], 2] = ()
    throttling: Annotated[tuple[BlkioThrottlingStatistics, ...], 3] = ()
