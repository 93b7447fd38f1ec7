/* spawn.c - how long a program takes from exec to exit, and its memory
 *
 *	spawn N FILE PROGRAM [ARGUMENT...]
 *
 * Runs it N times, one after the other, with FILE as its stdin and its output
 * thrown away; then once more under ptrace(2), to read at its end how much
 * memory it had at most: wait4's figure would be this program's own where
 * that is larger. Prints one line:
 *
 *	runs=200 median_us=1213 p10_us=1100 p90_us=1500 failed=0 rss_kib=84
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* By vfork inside of posix_spawn: our own size costs nothing. */
static int64_t
run(const char *file, char **argv, unsigned *failed)
{
	posix_spawn_file_actions_t does;
	int64_t begun;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&does);
	posix_spawn_file_actions_addopen(&does, 0, file, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&does, 1, "/dev/null", O_WRONLY, 0);
	begun = now_us();
	if (posix_spawn(&pid, argv[0], &does, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		++*failed;
	begun = now_us() - begun;
	posix_spawn_file_actions_destroy(&does);
	return begun;
}

static long
most_memory(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void
become(const char *file, char **argv)
{
	int in = open(file, O_RDONLY), out = open("/dev/null", O_WRONLY);

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	dup2(in, 0);
	dup2(out, 1);
	execv(argv[0], argv);
	_exit(127);
}

/* The program alone, not what it starts. */
static long
traced(const char *file, char **argv)
{
	pid_t pid = fork();
	int status, signal;
	long kib = -1;

	if (pid == 0)
		become(file, argv);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(long)PTRACE_O_TRACEEXIT);
	for (signal = 0;
	     ptrace(PTRACE_CONT, pid, NULL, (void *)(long)signal) == 0;) {
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
		signal = 0;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			kib = most_memory(pid);
		else
			signal = WSTOPSIG(status);
	}
	return kib;
}

int
main(int argc, char **argv)
{
	long n = argc > 3 ? strtol(argv[1], NULL, 10) : 0, i;
	unsigned failed = 0;
	int64_t *us;

	if (n < 1 || n > 100000 || !(us = calloc((size_t)n, sizeof *us))) {
		fprintf(stderr, "usage: spawn N FILE PROGRAM [ARGUMENT...]\n");
		return 100;
	}
	for (i = 0; i < n; i++)
		us[i] = run(argv[2], argv + 3, &failed);
	qsort(us, (size_t)n, sizeof *us, by_value);
	printf("runs=%ld median_us=%lld p10_us=%lld p90_us=%lld failed=%u "
	       "rss_kib=%ld\n",
	       n, (long long)us[n / 2], (long long)us[n / 10],
	       (long long)us[n * 9 / 10], failed, traced(argv[2], argv + 3));
	free(us);
	return failed > 0;
}
