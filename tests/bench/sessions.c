/* quail-sessions - what many connections cost a front end, and whether others
 * are served beside them
 *
 *   quail-sessions [-n N] [-p PROTOCOL] [-t PIN] [-d SECONDS] [-k KIB]
 *		    [-S] ADDRESS:PORT PID...
 *
 * Opens N connections (10000) to a port, from many addresses of
 * 127.0.0.0/8, and says what the resident and the proportional memory of the
 * processes grew by for each, measured when all of them have been accepted.
 * Then a new client sends a message and waits for its K.
 *
 *   -p   qmqp (unless told otherwise), qmtp or smtp
 *   -t   TLS, with the server's pin: idle behind the handshake
 *   -d   each has sent half of a message of 1 MiB; after that a byte a
 *        second, for so many seconds, beside new clients; then the rest
 *
 *   -k   a message is so large instead
 *   -S   the last process stands still (SIGSTOP) while they send that half
 *
 * Its own descriptors: ulimit -n. One figure a line, as key=value.
 */
#include "tests/bench/sessions.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	PIDS_MAX = 4,
	PROBES = 20 /* a second */
};

struct process {
	long pid;
	long rss_kb, pss_kb; /* before */
	long top_kb;	     /* the most that was seen */
};

static struct process processes[PIDS_MAX];
static size_t n_processes, n_clients = 10000;
static size_t text_size = 1 << 20;
static bool stops;
static struct client *clients;

void
fail(const char *what)
{
	perror(what);
	exit(111);
}

int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* memory */

static long
rollup(long pid, const char *field)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
	f = fopen(path, "r");
	if (!f)
		fail(path);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, field, strlen(field)))
			kb = strtol(line + strlen(field), NULL, 10);
	fclose(f);
	return kb;
}

static size_t
n_descriptors(long pid)
{
	char path[64];
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%ld/fd", pid);
	d = opendir(path);
	if (!d)
		fail(path);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void
look(bool first)
{
	size_t i;

	for (i = 0; i < n_processes; i++) {
		struct process *p = &processes[i];
		long kb = rollup(p->pid, "Rss:");

		if (first) {
			p->rss_kb = kb;
			p->pss_kb = rollup(p->pid, "Pss:");
		}
		if (kb > p->top_kb)
			p->top_kb = kb;
	}
}

static void
say_memory(const char *when)
{
	size_t i;

	for (i = 0; i < n_processes; i++) {
		struct process *p = &processes[i];
		long rss = rollup(p->pid, "Rss:") - p->rss_kb;
		long pss = rollup(p->pid, "Pss:") - p->pss_kb;

		printf("%s process=%zu rss_before_kb=%ld rss_grown_kb=%ld "
		       "rss_each=%ld pss_each=%ld rss_most_kb=%ld\n",
		       when, i, p->rss_kb, rss, rss * 1024 / (long)n_clients,
		       pss * 1024 / (long)n_clients, p->top_kb);
	}
}

static void
open_all(void)
{
	size_t i, before = n_descriptors(processes[0].pid);
	int64_t begun = now_us();

	for (i = 0; i < n_clients; i++)
		wire_open(&clients[i].s, i);
	while (n_descriptors(processes[0].pid) < before + n_clients) {
		if (now_us() - begun > PATIENCE_S * INT64_C(1000000)) {
			fprintf(stderr, "quail-sessions: only %zu accepted\n",
				n_descriptors(processes[0].pid) - before);
			exit(111);
		}
		usleep(10000);
	}
	printf("open clients=%zu ms=%lld\n", n_clients,
	       (long long)(now_us() - begun) / 1000);
}

/* messages */

/* A new client: connect, send, wait for the answer. Its time, in us. */
static int64_t
probe(char *code)
{
	static struct buf b;
	struct client c = {.sent = 0};
	int64_t begun = now_us(), until = begun + PATIENCE_S * INT64_C(1000000);

	wire_package(&b, 4096);
	wire_open(&c.s, n_clients + AN_ADDRESS);
	wire_begin(&c.s);
	while (c.sent < b.len) {
		wire_send(&c, buf_slice(&b), b.len);
		if (c.sent < b.len)
			wire_wait(c.s.fd, POLLOUT, until);
	}
	while ((*code = wire_answer(&c)) == 0)
		wire_wait(c.s.fd, POLLIN, until);
	stream_close(&c.s);
	return now_us() - begun;
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t times[65536];
static size_t n_times, n_refused;

static void
probe_one(void)
{
	int64_t us;
	char code;

	if (n_times == sizeof times / sizeof *times)
		return;
	us = probe(&code);
	times[n_times++] = us;
	n_refused += code != 'K';
}

static void
say_probes(void)
{
	qsort(times, n_times, sizeof *times, by_time);
	printf("probes=%zu not_k=%zu p50_us=%lld most_us=%lld\n", n_times,
	       n_refused, (long long)times[n_times / 2],
	       (long long)times[n_times - 1]);
}

/* Everybody sends up to here; ends when all have, or nobody gets on. */
static size_t
send_all(struct slice all, size_t until, int64_t patience_us)
{
	int64_t moved_us = now_us();
	size_t done = 0, before = 0, total, i;

	while (done < n_clients && now_us() - moved_us < patience_us) {
		total = done = 0;
		for (i = 0; i < n_clients; i++) {
			wire_send(&clients[i], all, until);
			total += clients[i].sent;
			done += clients[i].sent >= until;
		}
		if (total != before)
			moved_us = now_us();
		before = total;
		look(false);
		usleep(1000);
	}
	return done;
}

static void
drip(struct slice all, long seconds)
{
	size_t i, half;
	long second, n;

	for (i = 0; i < n_clients; i++)
		wire_begin(&clients[i].s);
	if (stops)
		kill((pid_t)processes[n_processes - 1].pid, SIGSTOP);
	half = send_all(all, text_size / 2, stops ? 500000 : 2000000);
	printf("half clients=%zu\n", half);
	say_memory("half");
	if (stops)
		kill((pid_t)processes[n_processes - 1].pid, SIGCONT);
	for (second = 0; second < seconds; second++) {
		int64_t next = now_us() + 1000000;

		for (i = 0; i < n_clients; i++)
			wire_send(&clients[i], all, clients[i].sent + 1);
		for (n = 0; n < PROBES && now_us() < next; n++)
			probe_one();
		look(false);
		if (now_us() < next)
			usleep((useconds_t)(next - now_us()));
	}
	say_memory("dripping");
	say_probes();
}

/* The rest, and the answers. */
static void
finish(struct slice all)
{
	int64_t until = now_us() + PATIENCE_S * INT64_C(1000000);
	size_t i, n = 0, good = 0;

	while (n < n_clients && now_us() < until) {
		for (i = 0; i < n_clients; i++) {
			struct client *c = &clients[i];

			if (c->code)
				continue;
			wire_send(c, all, all.len);
			c->code = wire_answer(c);
			n += c->code != 0;
			good += c->code == 'K';
		}
		look(false);
		usleep(1000);
	}
	printf("finished clients=%zu k=%zu of=%zu\n", n, good, n_clients);
	say_memory("finished");
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: quail-sessions [-n N] [-p PROTOCOL] "
			"[-t PIN] [-d SECONDS] [-k KIB] [-S] "
			"ADDRESS:PORT PID...\n");
	exit(100);
}

int
main(int argc, char **argv)
{
	struct buf package = {0};
	long seconds = 0;
	int option, i;

	while ((option = getopt(argc, argv, "n:p:t:d:k:S")) != -1) {
		if (option == 'n')
			n_clients = (size_t)atol(optarg);
		else if (option == 'd')
			seconds = atol(optarg);
		else if (option == 'k')
			text_size = (size_t)atol(optarg) << 10;
		else if (option == 't' &&
			 tls_pin_parse(slice_text(optarg), &wire.pin) == 0)
			wire.tls = true;
		else if (option == 'p' && wire_protocol(optarg) == 0)
			continue;
		else if (option == 'S')
			stops = true;
		else
			usage();
	}
	if (argc - optind < 2 || argc - optind > PIDS_MAX + 1 || !n_clients ||
	    wire_where(argv[optind]) != 0)
		usage();
	for (i = optind + 1; i < argc; i++)
		processes[n_processes++].pid = atol(argv[i]);
	clients = calloc(n_clients, sizeof *clients);
	if (!clients)
		fail("memory");
	setvbuf(stdout, NULL, _IOLBF, 0);
	probe_one(); /* what the first message makes is not the clients' */
	n_times = 0;
	usleep(300000); /* its connection is gone by then */
	look(true);
	open_all();
	look(false);
	say_memory("idle");
	if (seconds > 0) {
		wire_package(&package, text_size);
		drip(buf_slice(&package), seconds);
		finish(buf_slice(&package));
		return 0;
	}
	for (i = 0; i < PROBES; i++)
		probe_one();
	say_probes();
	return 0;
}
