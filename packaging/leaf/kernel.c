/* kernel.c - two calls for the static leaf as the kernel has them, without
 * what libc does about threads and the vDSO
 *
 * The leaf has one thread, and asks for the time a few times a message.
 */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

pid_t
fork(void)
{
	return _Fork();
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	return (int)syscall(SYS_clock_gettime, clock, now);
}
