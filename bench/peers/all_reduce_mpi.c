/* MPI_Allreduce of float32 in place; prints bytes and the median of the slowest rank's microseconds.
   Arguments: pairs of bytes and calls. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int arg = 1; arg + 1 < argc; arg += 2) {
    long bytes = atol(argv[arg]);
    int calls = atoi(argv[arg + 1]), count = (int)(bytes / 4);
    float *x = calloc(bytes, 1);
    double *times = malloc(calls * sizeof(double)), *slowest = malloc(calls * sizeof(double));
    for (int call = -(calls / 4 + 1); call < calls; call++) {
      double started = MPI_Wtime();
      MPI_Allreduce(MPI_IN_PLACE, x, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      if (call >= 0) times[call] = (MPI_Wtime() - started) * 1e6;
    }
    MPI_Reduce(times, slowest, calls, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0) {
      qsort(slowest, calls, sizeof(double), compare);
      printf("%ld %.3f\n", bytes, slowest[calls / 2]);
    }
    free(x);
    free(times);
    free(slowest);
  }
  MPI_Finalize();
  return 0;
}
