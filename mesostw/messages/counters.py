"""Counters of the network stack and of the processor."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Int64, Uint64


class IpStatistics(Body, frozen=True, kw_only=True):
    """Counters of IP, as ``/proc/net/snmp`` names them."""

    Forwarding: Annotated[Int64 | None, 1] = None
    DefaultTTL: Annotated[Int64 | None, 2] = None
    InReceives: Annotated[Int64 | None, 3] = None
    InHdrErrors: Annotated[Int64 | None, 4] = None
    InAddrErrors: Annotated[Int64 | None, 5] = None
    ForwDatagrams: Annotated[Int64 | None, 6] = None
    InUnknownProtos: Annotated[Int64 | None, 7] = None
    InDiscards: Annotated[Int64 | None, 8] = None
    InDelivers: Annotated[Int64 | None, 9] = None
    OutRequests: Annotated[Int64 | None, 10] = None
    OutDiscards: Annotated[Int64 | None, 11] = None
    OutNoRoutes: Annotated[Int64 | None, 12] = None
    ReasmTimeout: Annotated[Int64 | None, 13] = None
    ReasmReqds: Annotated[Int64 | None, 14] = None
    ReasmOKs: Annotated[Int64 | None, 15] = None
    ReasmFails: Annotated[Int64 | None, 16] = None
    FragOKs: Annotated[Int64 | None, 17] = None
    FragFails: Annotated[Int64 | None, 18] = None
    FragCreates: Annotated[Int64 | None, 19] = None


class IcmpStatistics(Body, frozen=True, kw_only=True):
    """Counters of ICMP, as ``/proc/net/snmp`` names them."""

    InMsgs: Annotated[Int64 | None, 1] = None
    InErrors: Annotated[Int64 | None, 2] = None
    InCsumErrors: Annotated[Int64 | None, 3] = None
    InDestUnreachs: Annotated[Int64 | None, 4] = None
    InTimeExcds: Annotated[Int64 | None, 5] = None
    InParmProbs: Annotated[Int64 | None, 6] = None
    InSrcQuenchs: Annotated[Int64 | None, 7] = None
    InRedirects: Annotated[Int64 | None, 8] = None
    InEchos: Annotated[Int64 | None, 9] = None
    InEchoReps: Annotated[Int64 | None, 10] = None
    InTimestamps: Annotated[Int64 | None, 11] = None
    InTimestampReps: Annotated[Int64 | None, 12] = None
    InAddrMasks: Annotated[Int64 | None, 13] = None
    InAddrMaskReps: Annotated[Int64 | None, 14] = None
    OutMsgs: Annotated[Int64 | None, 15] = None
    OutErrors: Annotated[Int64 | None, 16] = None
    OutDestUnreachs: Annotated[Int64 | None, 17] = None
    OutTimeExcds: Annotated[Int64 | None, 18] = None
    OutParmProbs: Annotated[Int64 | None, 19] = None
    OutSrcQuenchs: Annotated[Int64 | None, 20] = None
    OutRedirects: Annotated[Int64 | None, 21] = None
    OutEchos: Annotated[Int64 | None, 22] = None
    OutEchoReps: Annotated[Int64 | None, 23] = None
    OutTimestamps: Annotated[Int64 | None, 24] = None
    OutTimestampReps: Annotated[Int64 | None, 25] = None
    OutAddrMasks: Annotated[Int64 | None, 26] = None
    OutAddrMaskReps: Annotated[Int64 | None, 27] = None


class TcpStatistics(Body, frozen=True, kw_only=True):
    """Counters of TCP, as ``/proc/net/snmp`` names them."""

    RtoAlgorithm: Annotated[Int64 | None, 1] = None
    RtoMin: Annotated[Int64 | None, 2] = None
    RtoMax: Annotated[Int64 | None, 3] = None
    MaxConn: Annotated[Int64 | None, 4] = None
    ActiveOpens: Annotated[Int64 | None, 5] = None
    PassiveOpens: Annotated[Int64 | None, 6] = None
    AttemptFails: Annotated[Int64 | None, 7] = None
    EstabResets: Annotated[Int64 | None, 8] = None
    CurrEstab: Annotated[Int64 | None, 9] = None
    InSegs: Annotated[Int64 | None, 10] = None
    OutSegs: Annotated[Int64 | None, 11] = None
    RetransSegs: Annotated[Int64 | None, 12] = None
    InErrs: Annotated[Int64 | None, 13] = None
    OutRsts: Annotated[Int64 | None, 14] = None
    InCsumErrors: Annotated[Int64 | None, 15] = None


class UdpStatistics(Body, frozen=True, kw_only=True):
    """Counters of UDP, as ``/proc/net/snmp`` names them."""

    InDatagrams: Annotated[Int64 | None, 1] = None
    NoPorts: Annotated[Int64 | None, 2] = None
    InErrors: Annotated[Int64 | None, 3] = None
    OutDatagrams: Annotated[Int64 | None, 4] = None
    RcvbufErrors: Annotated[Int64 | None, 5] = None
    SndbufErrors: Annotated[Int64 | None, 6] = None
    InCsumErrors: Annotated[Int64 | None, 7] = None
    IgnoredMulti: Annotated[Int64 | None, 8] = None


class PerfStatistics(Body, frozen=True, kw_only=True):
    """Counters of ``perf``, over ``duration`` seconds up to ``timestamp``."""

    timestamp: Annotated[float, 1]
    duration: Annotated[float, 2]
    cycles: Annotated[Uint64 | None, 3] = None
    stalled_cycles_frontend: Annotated[Uint64 | None, 4] = None
    stalled_cycles_backend: Annotated[Uint64 | None, 5] = None
    instructions: Annotated[Uint64 | None, 6] = None
    cache_references: Annotated[Uint64 | None, 7] = None
    cache_misses: Annotated[Uint64 | None, 8] = None
    branches: Annotated[Uint64 | None, 9] = None
    branch_misses: Annotated[Uint64 | None, 10] = None
    bus_cycles: Annotated[Uint64 | None, 11] = None
    ref_cycles: Annotated[Uint64 | None, 12] = None
    cpu_clock: Annotated[float | None, 13] = None
    task_clock: Annotated[float | None, 14] = None
    page_faults: Annotated[Uint64 | None, 15] = None
    minor_faults: Annotated[Uint64 | None, 16] = None
    major_faults: Annotated[Uint64 | None, 17] = None
    context_switches: Annotated[Uint64 | None, 18] = None
    cpu_migrations: Annotated[Uint64 | None, 19] = None
    alignment_faults: Annotated[Uint64 | None, 20] = None
    emulation_faults: Annotated[Uint64 | None, 21] = None
    l1_dcache_loads: Annotated[Uint64 | None, 22] = None
    l1_dcache_load_misses: Annotated[Uint64 | None, 23] = None
    l1_dcache_stores: Annotated[Uint64 | None, 24] = None
    l1_dcache_store_misses: Annotated[Uint64 | None, 25] = None
    l1_dcache_prefetches: Annotated[Uint64 | None, 26] = None
    l1_dcache_prefetch_misses: Annotated[Uint64 | None, 27] = None
    l1_icache_loads: Annotated[Uint64 | None, 28] = None
    l1_icache_load_misses: Annotated[Uint64 | None, 29] = None
    l1_icache_prefetches: Annotated[Uint64 | None, 30] = None
    l1_icache_prefetch_misses: Annotated[Uint64 | None, 31] = None
    llc_loads: Annotated[Uint64 | None, 32] = None
    llc_load_misses: Annotated[Uint64 | None, 33] = None
    llc_stores: Annotated[Uint64 | None, 34] = None
    llc_store_misses: Annotated[Uint64 | None, 35] = None
    llc_prefetches: Annotated[Uint64 | None, 36] = None
    llc_prefetch_misses: Annotated[Uint64 | None, 37] = None
    dtlb_loads: Annotated[Uint64 | None, 38] = None
    dtlb_load_misses: Annotated[Uint64 | None, 39] = None
    dtlb_stores: Annotated[Uint64 | None, 40] = None
    dtlb_store_misses: Annotated[Uint64 | None, 41] = None
    dtlb_prefetches: Annotated[Uint64 | None, 42] = None
    dtlb_prefetch_misses: Annotated[Uint64 | None, 43] = None
    itlb_loads: Annotated[Uint64 | None, 44] = None
    itlb_load_misses: Annotated[Uint64 | None, 45] = None
    branch_loads: Annotated[Uint64 | None, 46] = None
    branch_load_misses: Annotated[Uint64 | None, 47] = None
    node_loads: Annotated[Uint64 | None, 48] = None
    node_load_misses: Annotated[Uint64 | None, 49] = None
    node_stores: Annotated[Uint64 | None, 50] = None
    node_store_misses: Annotated[Uint64 | None, 51] = None
    node_prefetches: Annotated[Uint64 | None, 52] = None
    node_prefetch_misses: Annotated[Uint64 | None, 53] = None
