/* Puts the clock on the wall elsewhere for one process: LD_PRELOAD. How many seconds stands in the file that CLOCK_OFFSET names, and may change. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(clock, now);
  if (done == 0 && clock == CLOCK_REALTIME) {
    const char *name = getenv("CLOCK_OFFSET");
    FILE *file = name ? fopen(name, "r") : NULL;
    long offset = 0;
    if (file && fscanf(file, "%ld", &offset) == 1) now->tv_sec += offset;
    if (file) fclose(file);
  }
  return done;
}
