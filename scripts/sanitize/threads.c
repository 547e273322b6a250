// For the thread sanitizer: C11's threads, mutexes and conditions as POSIX ones, which they are in glibc.
//
// The sanitizer sees POSIX calls only. librdkafka makes its threads by thrd_create; on one that the sanitizer does not know
// the first call of malloc ends the process, and what its mutexes order would be taken for races.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

struct beginning {
  thrd_start_t run;
  void *argument;
};

static void *begin(void *given) {
  struct beginning it = *(struct beginning *)given;
  free(given);
  return (void *)(intptr_t)it.run(it.argument);
}

static int outcome(int error) {
  switch (error) {
    case 0: return thrd_success;
    case ENOMEM: return thrd_nomem;
    case ETIMEDOUT: return thrd_timedout;
    case EBUSY: return thrd_busy;
    default: return thrd_error;
  }
}

int thrd_create(thrd_t *thread, thrd_start_t run, void *argument) {
  struct beginning *it = malloc(sizeof *it);
  if (!it) return thrd_nomem;
  *it = (struct beginning){run, argument};
  int error = pthread_create((pthread_t *)thread, NULL, begin, it);
  if (error) free(it);
  return outcome(error);
}

int thrd_join(thrd_t thread, int *result) {
  void *value = NULL;
  int error = pthread_join((pthread_t)thread, &value);
  if (result) *result = (int)(intptr_t)value;
  return outcome(error);
}

int thrd_detach(thrd_t thread) { return outcome(pthread_detach((pthread_t)thread)); }

int mtx_lock(mtx_t *mutex) { return outcome(pthread_mutex_lock((pthread_mutex_t *)mutex)); }
int mtx_trylock(mtx_t *mutex) { return outcome(pthread_mutex_trylock((pthread_mutex_t *)mutex)); }
int mtx_unlock(mtx_t *mutex) { return outcome(pthread_mutex_unlock((pthread_mutex_t *)mutex)); }
void mtx_destroy(mtx_t *mutex) { pthread_mutex_destroy((pthread_mutex_t *)mutex); }

int cnd_signal(cnd_t *condition) { return outcome(pthread_cond_signal((pthread_cond_t *)condition)); }
int cnd_broadcast(cnd_t *condition) { return outcome(pthread_cond_broadcast((pthread_cond_t *)condition)); }
int cnd_wait(cnd_t *condition, mtx_t *mutex) {
  return outcome(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}
int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) {
  return outcome(pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}
void cnd_destroy(cnd_t *condition) { pthread_cond_destroy((pthread_cond_t *)condition); }
