/* load.h - our load generator: many sessions, each in a closed loop
 *
 * One thread, epoll, none of quail's own code, so that it measures the
 * server and not itself. A session has at most `window` messages without an
 * answer (one, but for QMTP); as answers come it goes on. Every message
 * carries its own id. A K goes into the ledger before it is counted, so that
 * a test can ask later: is everything there that was acknowledged?
 *
 *   load.c        options, the report
 *   load_run.c    messages, connections, the loop
 *   load_smtp.c   the order of things in SMTP
 *   load_text.c   what a message looks like on each wire
 *   load_reply.c  what the server's answers mean
 */
#ifndef QUAIL_TESTS_BENCH_LOAD_H
#define QUAIL_TESTS_BENCH_LOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { LOAD_ID_LEN = 21, LOAD_IN_MAX = 4096, LOAD_WINDOW_MAX = 4096 };

enum load_protocol { LOAD_QMQP, LOAD_QMTP, LOAD_SMTP };

struct load_plan {
	enum load_protocol protocol;
	unsigned sessions, window, rcpts;
	uint64_t messages;
	uint64_t rate; /* messages begun a second at most; 0: any */
	size_t bytes;
	const char *sender, *rcpt, *tag, *ledger;
	int64_t stop_us;     /* begin no message after this */
	int64_t deadline_us; /* give up */
	bool again;	     /* what was not acknowledged is sent again */
};

/* Bytes to send, with the places where a message's id goes. */
struct load_text {
	char *at;
	size_t len;
	size_t ids[2];
};

struct load_pending {
	uint64_t number;
	int64_t begun_us;
	unsigned n_replies, n_good;
	bool refused; /* by a D */
};

enum load_state {
	LOAD_IDLE,	 /* nothing to do, or waiting to connect again */
	LOAD_CONNECTING, /* until the socket can be written */
	LOAD_OPEN
};

enum load_smtp_phase {
	LOAD_SMTP_GREETING,
	LOAD_SMTP_EHLO,
	LOAD_SMTP_READY,
	LOAD_SMTP_ENVELOPE,
	LOAD_SMTP_TEXT
};

struct load;

struct load_session {
	struct load *load;
	int fd;
	enum load_state state;
	bool watches_write; /* epoll tells when it can be written */
	int64_t wake_us;    /* connect again, or give the server up */
	char *out;
	size_t out_len, out_off, out_max;
	char in[LOAD_IN_MAX];
	size_t in_len;
	struct load_pending *pending; /* a ring of plan->window */
	unsigned first, n_pending;
	enum load_smtp_phase phase;
	bool pipelining, mail_taken;
	unsigned n_told, n_heard; /* commands of an SMTP envelope */
	uint8_t *good;		  /* recipients accepted by SMTP */
};

struct load {
	struct load_plan plan;
	struct load_text text;
	struct sockaddr_storage server;
	socklen_t server_len;
	struct load_session *sessions;
	int epoll_fd, ledger_fd; /* -1: no ledger */
	int64_t begun_us, now_us;
	volatile sig_atomic_t is_over; /* begin no more */
	uint64_t next_number, n_begun, n_k, n_z, n_d, n_lost, n_broken;
	uint64_t *again, n_again; /* messages that are to be sent again */
	uint32_t *latencies;	  /* of n_k messages, microseconds */
	char *ledger;		  /* what waits to be written */
	size_t ledger_len, ledger_max;
};

/* load_clock - monotonic microseconds */
int64_t
load_clock(void);

/* load_need - p, or out of memory and exit 111 */
void *
load_need(void *p);

/* load_run - until all is acknowledged or refused, or the time is over */
void
load_run(struct load *l);

/* load_message_next - which message is next; false: none */
bool
load_message_next(struct load *l, uint64_t *number);

/* load_message_begin - it is under way on this session from now on */
struct load_pending *
load_message_begin(struct load_session *s, uint64_t number);

/* load_message_put - its bytes behind what waits to go out */
void
load_message_put(struct load_session *s, uint64_t number);

/* load_message_over - the session's oldest message has all its answers */
void
load_message_over(struct load_session *s);

/* load_ledger_add - a recipient has its K */
void
load_ledger_add(struct load *l, uint64_t number, unsigned rcpt);

/* load_smtp_ready - begin the next message if there is one */
void
load_smtp_ready(struct load_session *s);

/* load_smtp_heard - one reply; false when the session makes no sense */
bool
load_smtp_heard(struct load_session *s, int code);

/* load_text_package - a QMQP or QMTP package
 *
 * Owns     text->at is malloc'd, for the life of the process.
 */
void
load_text_package(const struct load_plan *plan, struct load_text *text);

/* load_text_smtp - the text as DATA wants it, with the last dot */
void
load_text_smtp(const struct load_plan *plan, struct load_text *text);

/* load_text_plain - the message as it should arrive, LF at line ends */
void
load_text_plain(const struct load_plan *plan, struct load_text *text);

/* load_text_command - the n-th command of an SMTP envelope: MAIL, one RCPT
 * per recipient, DATA
 *
 * Returns  its length, at most max; 0 behind the last.
 */
size_t
load_text_command(const struct load_plan *plan, unsigned n, char *out,
		  size_t max);

/* load_text_id - write message number's id (LOAD_ID_LEN bytes, no NUL) */
void
load_text_id(const struct load_plan *plan, uint64_t number, char *out);

/* load_text_fill - put the id into a copy of the text */
void
load_text_fill(const struct load_plan *plan, const struct load_text *text,
	       uint64_t number, char *copy);

/* load_reply_netstring - take one reply off the front of in
 *
 * Returns  bytes taken, *code the letter; 0 when it is not all there; -1
 *          when it makes no sense.
 */
int
load_reply_netstring(const char *in, size_t len, char *code);

/* load_reply_smtp - take one reply, all its lines
 *
 * Returns  as above; *code the number, *pipelining set when offered.
 */
int
load_reply_smtp(const char *in, size_t len, int *code, bool *pipelining);

#endif
