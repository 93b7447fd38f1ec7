/* load.c - the load generator's options and report; see load.h
 *
 * usage: quail-load [-p qmqp|qmtp|smtp] [-s SESSIONS] [-m MESSAGES]
 *          [-b BYTES] [-r RECIPIENTS] [-w WINDOW] [-f SENDER] [-t RECIPIENT]
 *          [-i TAG] [-L LEDGER] [-R RATE] [-d SECONDS] [-D SECONDS] [-a]
 *          ADDRESS:PORT
 *        quail-load -P NUMBER ...       print that message and exit
 *
 * With -r over 1, recipients are 0RECIPIENT, 1RECIPIENT and so on. The ledger
 * gets "ID/RECIPIENT-NUMBER" for every recipient that got a K. -R: begin at
 * most so many messages a second; -d: begin none
 * after so many seconds; -D: give up after so many; -a: send again what was
 * lost or deferred. TAG is 12 letters. A TERM is as if -d had come: what is
 * under way is waited for, and the report is printed.
 *
 * Prints one line; exits 0 when every message was acknowledged, 1 when not.
 */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static struct load load = {
    .plan = {.protocol = LOAD_QMTP,
	     .sessions = 1,
	     .window = 16,
	     .rcpts = 1,
	     .messages = 1000,
	     .bytes = 4096,
	     .sender = "load@leaf.test",
	     .rcpt = "user@hub.test",
	     .stop_us = INT64_MAX},
    .ledger_fd = -1,
};

/* ---- the report */

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
percentile_ms(unsigned permille)
{
	if (load.n_k == 0)
		return 0;
	return load.latencies[(load.n_k - 1) * permille / 1000] / 1000.0;
}

static void
report(void)
{
	double seconds = (double)(load.now_us - load.begun_us) / 1e6;

	qsort(load.latencies, load.n_k, sizeof *load.latencies, by_size);
	printf("sent=%" PRIu64 " k=%" PRIu64 " z=%" PRIu64 " d=%" PRIu64
	       " lost=%" PRIu64 " broken=%" PRIu64
	       " seconds=%.3f k_per_second=%.0f"
	       " p50_ms=%.3f p99_ms=%.3f p999_ms=%.3f max_ms=%.3f\n",
	       load.next_number, load.n_k, load.n_z, load.n_d, load.n_lost,
	       load.n_broken, seconds,
	       seconds > 0 ? (double)load.n_k / seconds : 0, percentile_ms(500),
	       percentile_ms(990), percentile_ms(999), percentile_ms(1000));
}

/* ---- options */

static void
usage(void)
{
	errx(100, "usage: quail-load [-p qmqp|qmtp|smtp] [-s SESSIONS]"
		  " [-m MESSAGES] [-b BYTES] [-r RECIPIENTS] [-w WINDOW]"
		  " [-f SENDER] [-t RECIPIENT] [-i TAG] [-L LEDGER] [-R RATE]"
		  " [-d SECONDS] [-D SECONDS] [-a] [-P NUMBER] ADDRESS:PORT");
}

static uint64_t
number_option(const char *s, uint64_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno != 0 || *end != '\0' || end == s || v == 0 || v > max)
		errx(100, "not a number of 1 to %" PRIu64 ": %s", max, s);
	return v;
}

static enum load_protocol
protocol_option(const char *s)
{
	if (!strcmp(s, "qmqp"))
		return LOAD_QMQP;
	if (!strcmp(s, "smtp"))
		return LOAD_SMTP;
	if (strcmp(s, "qmtp"))
		usage();
	return LOAD_QMTP;
}

static void
server_option(char *s)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&load.server;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&load.server;
	char *colon = strrchr(s, ':');
	uint16_t port;

	if (colon == NULL)
		usage();
	*colon = '\0';
	port = htons((uint16_t)number_option(colon + 1, 65535));
	if (inet_pton(AF_INET, s, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		load.server_len = sizeof *v4;
	} else if (inet_pton(AF_INET6, s, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		load.server_len = sizeof *v6;
	} else
		errx(100, "not an address: %s", s);
}

/* options - returns the number of the message to print, or -1 */
static int64_t
options(int argc, char **argv)
{
	int64_t print = -1;
	int c;

	load.plan.deadline_us = load.begun_us + 600 * (int64_t)1000000;
	while ((c = getopt(argc, argv, "p:s:m:b:r:w:f:t:i:L:R:d:D:aP:")) != -1)
		switch (c) {
		case 'p': load.plan.protocol = protocol_option(optarg); break;
		case 's':
			load.plan.sessions =
			    (unsigned)number_option(optarg, 60000);
			break;
		case 'm':
			load.plan.messages = number_option(optarg, 99999999);
			break;
		case 'b':
			load.plan.bytes = number_option(optarg, 1 << 30);
			break;
		case 'r':
			load.plan.rcpts =
			    (unsigned)number_option(optarg, 100000);
			break;
		case 'w':
			load.plan.window =
			    (unsigned)number_option(optarg, LOAD_WINDOW_MAX);
			break;
		case 'f': load.plan.sender = optarg; break;
		case 't': load.plan.rcpt = optarg; break;
		case 'i': load.plan.tag = optarg; break;
		case 'L': load.plan.ledger = optarg; break;
		case 'R':
			load.plan.rate = number_option(optarg, 10000000);
			break;
		case 'd':
			load.plan.stop_us =
			    load.begun_us +
			    (int64_t)number_option(optarg, 86400) * 1000000;
			break;
		case 'D':
			load.plan.deadline_us =
			    load.begun_us +
			    (int64_t)number_option(optarg, 86400) * 1000000;
			break;
		case 'a': load.plan.again = true; break;
		case 'P': print = strtoll(optarg, NULL, 10); break;
		default: usage();
		}
	if (print == -1 && optind != argc - 1)
		usage();
	if (print == -1)
		server_option(argv[optind]);
	return print;
}

static void
prepare(void)
{
	static char tag[LOAD_ID_LEN];
	unsigned i;

	if (load.plan.protocol != LOAD_QMTP)
		load.plan.window = 1;
	if (load.plan.tag == NULL) {
		snprintf(tag, sizeof tag, "%06x%06x",
			 (unsigned)getpid() & 0xffffff,
			 (unsigned)time(NULL) & 0xffffff);
		load.plan.tag = tag;
	} else if (strlen(load.plan.tag) != 12)
		errx(100, "a tag has 12 letters");
	load.again = load_need(calloc(load.plan.messages, sizeof *load.again));
	load.latencies =
	    load_need(calloc(load.plan.messages, sizeof *load.latencies));
	load.sessions =
	    load_need(calloc(load.plan.sessions, sizeof *load.sessions));
	for (i = 0; i < load.plan.sessions; i++) {
		load.sessions[i].load = &load;
		load.sessions[i].fd = -1;
		load.sessions[i].pending = load_need(
		    calloc(load.plan.window, sizeof *load.sessions[i].pending));
		load.sessions[i].good = load_need(calloc(load.plan.rcpts, 1));
	}
	load.ledger = load_need(malloc(load.ledger_max = 1 << 16));
	if (load.plan.ledger != NULL) {
		load.ledger_fd =
		    open(load.plan.ledger,
			 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (load.ledger_fd == -1)
			err(111, "%s", load.plan.ledger);
	}
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load.epoll_fd == -1)
		err(111, "epoll_create1");
}

static void
on_term(int signal)
{
	(void)signal;
	load.is_over = 1;
}

int
main(int argc, char **argv)
{
	int64_t print;

	load.begun_us = load.now_us = load_clock();
	print = options(argc, argv);
	prepare();
	if (print != -1) {
		load_text_plain(&load.plan, &load.text);
		load_text_fill(&load.plan, &load.text, (uint64_t)print,
			       load.text.at);
		return fwrite(load.text.at, 1, load.text.len, stdout) ==
			       load.text.len
			   ? 0
			   : 1;
	}
	if (load.plan.protocol == LOAD_SMTP)
		load_text_smtp(&load.plan, &load.text);
	else
		load_text_package(&load.plan, &load.text);
	signal(SIGTERM, on_term);
	load_run(&load);
	report();
	return load.n_k == load.plan.messages ? 0 : 1;
}
