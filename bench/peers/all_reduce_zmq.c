/* All-reduce of float32 sums over libzmq and TCP with the steps that the messages of src/comm take: recursive doubling up
   to 64 KiB, a ring beyond (P - 1 steps of reduce-scatter, P - 1 of all-gather, chunks of at most 1 MiB); P a power of two.
   Prints bytes and the median of the slowest rank's microseconds. Arguments: P, rank, first port, pairs of bytes and calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define SHORT_BYTES 65536
#define CHUNK (1 << 20)

static int size, rank;
static void *peers[64];
static char header[80];
static float *received;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec * 1e-3;
}

static void check(int result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static void send_chunk(int to, const void *data, long bytes) {
  check(zmq_send(peers[to], header, sizeof header, ZMQ_SNDMORE), "send");
  check(zmq_send(peers[to], data, bytes, 0), "send");
}

static void receive_chunk(int from, void *data, long bytes) {
  check(zmq_recv(peers[from], header, sizeof header, 0), "receive");
  if (zmq_recv(peers[from], data, bytes, 0) != bytes) exit(1);
}

/* Sends and receives chunk by chunk; adds what arrives, or puts it in its place. */
static void exchange(int to, const float *out, long out_count, int from, float *in, long in_count, int add) {
  long chunk = CHUNK / 4;
  for (long at = 0; at < out_count || at < in_count; at += chunk) {
    long sending = out_count - at < chunk ? out_count - at : chunk;
    long receiving = in_count - at < chunk ? in_count - at : chunk;
    if (sending > 0) send_chunk(to, out + at, sending * 4);
    if (receiving <= 0) continue;
    if (!add) {
      receive_chunk(from, in + at, receiving * 4);
      continue;
    }
    receive_chunk(from, received, receiving * 4);
    for (long i = 0; i < receiving; i++) in[at + i] += received[i];
  }
}

static void all_reduce(float *x, long count) {
  if (count * 4 <= SHORT_BYTES) {
    for (int distance = 1; distance < size; distance *= 2) {
      exchange(rank ^ distance, x, count, rank ^ distance, x, count, 1);
    }
    return;
  }
  int next = (rank + 1) % size, previous = (rank + size - 1) % size;
  for (int step = 0; step < 2 * (size - 1); step++) {
    int add = step < size - 1;
    int out = (rank - step + 2 * size) % size;
    int in = (out - 1 + size) % size;
    long from = count * out / size, end = count * (out + 1) / size;
    long into = count * in / size, into_end = count * (in + 1) / size;
    exchange(next, x + from, end - from, previous, x + into, into_end - into, add);
  }
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  size = atoi(argv[1]);
  rank = atoi(argv[2]);
  int port = atoi(argv[3]), no_limit = 0, no_linger = 2000;
  void *context = zmq_ctx_new();
  for (int other = 0; other < size; other++) {
    if (other == rank) continue;
    int low = other < rank ? other : rank, high = other < rank ? rank : other;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port + high * size + low);
    peers[other] = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(peers[other], ZMQ_SNDHWM, &no_limit, sizeof no_limit);
    zmq_setsockopt(peers[other], ZMQ_RCVHWM, &no_limit, sizeof no_limit);
    zmq_setsockopt(peers[other], ZMQ_LINGER, &no_linger, sizeof no_linger);
    check(rank == high ? zmq_bind(peers[other], endpoint) : zmq_connect(peers[other], endpoint), endpoint);
  }
  received = malloc(CHUNK);
  for (int arg = 4; arg + 1 < argc; arg += 2) {
    long bytes = atol(argv[arg]), count = bytes / 4;
    int calls = atoi(argv[arg + 1]);
    float *x = calloc(bytes, 1);
    double *times = malloc(calls * sizeof(double)), *theirs = malloc(calls * sizeof(double));
    for (int call = -(calls / 4 + 1); call < calls; call++) {
      double started = now();
      all_reduce(x, count);
      if (call >= 0) times[call] = now() - started;
    }
    if (rank > 0) send_chunk(0, times, calls * sizeof(double));
    for (int other = 1; rank == 0 && other < size; other++) {
      receive_chunk(other, theirs, calls * sizeof(double));
      for (int call = 0; call < calls; call++) {
        if (theirs[call] > times[call]) times[call] = theirs[call];
      }
    }
    if (rank == 0) {
      qsort(times, calls, sizeof(double), compare);
      printf("%ld %.3f\n", bytes, times[calls / 2]);
    }
    free(x);
    free(times);
    free(theirs);
  }
  for (int other = 0; other < size; other++) {
    if (other != rank) zmq_close(peers[other]);
  }
  zmq_ctx_term(context);
  return 0;
}
