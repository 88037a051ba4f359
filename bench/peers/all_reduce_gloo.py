"""torch.distributed.all_reduce over Gloo; prints bytes and the median of the slowest rank's microseconds.

Arguments: pairs of bytes and calls. RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT come from the environment.
"""

import sys
import time

import torch
import torch.distributed as dist

torch.set_num_threads(1)
dist.init_process_group("gloo")
for bytes_, calls in zip(map(int, sys.argv[1::2]), map(int, sys.argv[2::2])):
    x = torch.zeros(bytes_ // 4)
    times = torch.zeros(calls, dtype=torch.float64)
    for call in range(-(calls // 4 + 1), calls):
        started = time.perf_counter()
        dist.all_reduce(x)
        if call >= 0:
            times[call] = (time.perf_counter() - started) * 1e6
    dist.all_reduce(times, op=dist.ReduceOp.MAX)
    if dist.get_rank() == 0:
        print(bytes_, float(times.sort().values[calls // 2]), flush=True)
dist.destroy_process_group()
