/* pool_test.c - qmtpc between a queue and a next hop that both do as they
 * are told: windows, large messages, connections that end, wrong replies */
#include "lib/clock.h"
#include "lib/frame.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "qmtpd/pool.h"
#include "qmtpd/qmtp.h"
#include "tests/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { JOBS_MAX = 400, SERVED_MAX = 64 };

static struct loop loop;
static struct pool pool;
static const char agent_path[] = "agent";

static int64_t now_us; /* 0: the clock is the machine's */

static void
rounds(int n)
{
	while (n-- > 0) {
		if (now_us)
			clock_set_for_tests(now_us += 1000);
		loop_round(&loop, 1);
	}
}

/* The next hop: packages are counted, and answered as its mode says. */
enum mode {
	ANSWERS,  /* K, or D for a recipient that begins with "no" */
	SILENT,	  /* until hop_release */
	CLOSES,	  /* at the first package, without an answer */
	NONSENSE, /* "hello" */
	TALKS,	  /* more replies than there are packages */
	EARLY,	  /* replies before the package is complete */
	FULL,	  /* Z 4.3.1 */
	BUSY,	  /* Z 4.3.2 */
	ROUTES,	  /* Z 4.4.4: it cannot reach that recipient */
	DRIPS,	  /* a reply of 60 KB, a byte each second */
	SIPS	  /* takes a byte of a text each second */
};

struct served {
	struct conn conn;
	struct qmtp machine;
	size_t n_packages, n_answered;
	uint64_t text_len, sum;
};

static struct hophost {
	struct loop_io listener;
	uint16_t port;
	enum mode mode, next_mode; /* of the next connection */
	struct served *served[SERVED_MAX];
	size_t n_served, n_packages;
	struct buf rcpts;
	struct buf sums; /* length and sum of each text */
} host;

static void
host_answer(struct served *s, struct slice rcpt)
{
	if (host.mode == FULL)
		netstring_put(&s->conn.out, SLICE("Zdisk full (#4.3.1)"));
	else if (host.mode == BUSY)
		netstring_put(&s->conn.out, SLICE("Zbusy (#4.3.2)"));
	else if (host.mode == ROUTES)
		netstring_put(&s->conn.out, SLICE("Zno way (#4.4.4)"));
	else if (slice_starts(rcpt, SLICE("no")))
		netstring_put(&s->conn.out, SLICE("Dnot here (#5.1.1)"));
	else
		netstring_put(&s->conn.out, SLICE("Kok 1 qp 2"));
	s->n_answered++;
	conn_flush_later(&s->conn);
}

static void
host_package(struct served *s)
{
	s->n_packages++;
	host.n_packages++;
	buf_number(&host.sums, s->text_len);
	buf_putc(&host.sums, '/');
	buf_number(&host.sums, s->sum);
	buf_putc(&host.sums, ' ');
	s->text_len = s->sum = 0;
}

static void
host_event(struct served *s, enum qmtp_event event, struct slice piece)
{
	size_t i;

	if (event == QMTP_TEXT) {
		s->text_len += piece.len;
		for (i = 0; i < piece.len; i++)
			s->sum = s->sum * 31 + (uint8_t)piece.at[i];
	} else if (event == QMTP_RCPT) {
		buf_puts(&host.rcpts, piece);
		buf_putc(&host.rcpts, ' ');
		if (host.mode == ANSWERS || host.mode == TALKS ||
		    (host.mode >= FULL && host.mode <= ROUTES))
			host_answer(s, piece);
		if (host.mode == TALKS)
			host_answer(s, piece);
	} else if (event == QMTP_BEGIN && host.mode == EARLY) {
		host_answer(s, SLICE("x"));
	} else if (event == QMTP_END) {
		host_package(s);
	}
}

static void
host_conn(struct conn *c, enum conn_event event)
{
	struct served *s = OWNER(c, struct served, conn);
	struct slice in = buf_slice(&c->in), piece;
	size_t before = in.len;
	enum qmtp_event e = QMTP_BEGIN;

	if (event == CONN_EOF || event == CONN_BROKEN) {
		conn_close(c);
		return;
	}
	while (event == CONN_INPUT && e != QMTP_MORE && e != QMTP_BAD) {
		e = qmtp_push(&s->machine, &in, &piece);
		ok_quiet(e != QMTP_BAD, "our client speaks QMTP");
		host_event(s, e, piece);
	}
	buf_take(&c->in, before - in.len);
	if (host.mode == CLOSES && s->n_packages > 0) {
		host.mode = host.next_mode;
		conn_close(c);
	} else if (host.mode == NONSENSE) {
		conn_put(c, SLICE("hello\r\n"));
	}
}

static void
host_accepts(struct loop_io *io, unsigned events)
{
	struct endpoint peer;
	int fd = socket_accept(io->fd, &peer);
	struct served *s;

	(void)events;
	if (fd < 0 || host.n_served == SERVED_MAX)
		return;
	s = calloc(1, sizeof *s);
	host.served[host.n_served++] = s;
	conn_open_take(&s->conn, &loop, fd, host_conn);
}

static void
host_open(void)
{
	struct endpoint e;
	int fd = -1;

	for (host.port = 22100; fd < 0 && host.port < 22900; host.port++) {
		endpoint_parse(&e, SLICE("127.0.0.1"), host.port);
		fd = endpoint_listen(&e);
	}
	host.port--;
	host.listener = (struct loop_io){fd, LOOP_READ, host_accepts};
	loop_watch(&loop, &host.listener);
}

/* Answer all that is unanswered. */
static void
host_release(void)
{
	size_t i;

	host.mode = ANSWERS;
	for (i = 0; i < host.n_served; i++)
		while (host.served[i]->conn.is_open &&
		       host.served[i]->n_answered < host.served[i]->n_packages)
			host_answer(host.served[i], SLICE("x"));
}

static size_t
host_open_conns(void)
{
	size_t i, n = 0;

	for (i = 0; i < host.n_served; i++)
		n += host.served[i]->conn.is_open;
	return n;
}

static void
host_close_conns(void)
{
	size_t i;

	for (i = 0; i < host.n_served; i++) {
		conn_close(&host.served[i]->conn);
		free(host.served[i]);
	}
	host.n_served = 0;
	rounds(5);
}

/* The queue: hands out jobs, keeps to the credit, collects verdicts. */
static struct queue {
	struct conn conn;
	struct loop_io listener;
	uint64_t size[JOBS_MAX], sent[JOBS_MAX], credit[JOBS_MAX];
	struct buf verdicts[JOBS_MAX];
	size_t n_jobs, n_verdicts, n_frames; /* frames of this connection */
	size_t n_back;			     /* jobs that were given back */
	bool holds; /* gives no text beyond the first credit */
} queue;

static char
text_byte(uint64_t at)
{
	return "abc\r\n\0x"[at % 7];
}

static void
queue_text(uint64_t job)
{
	struct buf text = {0};

	while (queue.sent[job] < queue.size[job] && queue.credit[job] > 0 &&
	       (!queue.holds || queue.sent[job] < AGENT_CREDIT)) {
		buf_clear(&text);
		while (text.len < 60000 && queue.credit[job] > 0 &&
		       queue.sent[job] < queue.size[job]) {
			buf_putc(&text, text_byte(queue.sent[job]++));
			queue.credit[job]--;
		}
		frame_put(&queue.conn.out, 'T', job, buf_slice(&text));
	}
	buf_free(&text);
	conn_flush_later(&queue.conn);
}

static void
queue_frame(const struct frame *f)
{
	uint64_t n = 0;
	struct verdict v;

	ok_quiet((queue.n_frames++ == 0) == (f->type == 'H'), "H comes first");
	queue.n_back += f->type == 'B';
	if (f->type == 'V' && f->id < JOBS_MAX) {
		ok_quiet(verdict_parse_agent(&v, f->rest) == 0, "a verdict");
		buf_putc(&queue.verdicts[f->id], verdict_letter(&v));
		if (v.code != 'K')
			buf_puts(&queue.verdicts[f->id], verdict_status(&v));
		buf_putc(&queue.verdicts[f->id], ' ');
		queue.n_verdicts++;
	} else if (f->type == 'W' && f->id < JOBS_MAX) {
		ok_quiet(slice_number(f->rest, UINT64_MAX, &n) == 0, "credit");
		queue.credit[f->id] += n;
		queue_text(f->id);
	}
}

static void
queue_event(struct conn *c, enum conn_event event)
{
	struct slice in = buf_slice(&c->in);
	size_t before = in.len;
	struct frame f;

	if (event == CONN_EOF || event == CONN_BROKEN) {
		conn_close(c);
		return;
	}
	while (frame_next(&in, &f) == FRAME_DONE)
		queue_frame(&f);
	buf_take(&c->in, before - in.len);
}

static void
queue_accepts(struct loop_io *io, unsigned events)
{
	struct endpoint peer;
	int fd = socket_accept(io->fd, &peer);

	(void)events;
	if (fd < 0)
		return;
	if (queue.conn.is_open) {
		close(fd);
		return;
	}
	queue.conn = (struct conn){0};
	queue.n_frames = 0;
	conn_open_take(&queue.conn, &loop, fd, queue_event);
}

static void
attr(uint64_t job, const char *key, const char *value)
{
	char text[200];

	snprintf(text, sizeof text, "%s=%s", key, value);
	frame_put(&queue.conn.out, 'P', job, slice_text(text));
}

/* rcpts: words. Returns the job's number. */
static uint64_t
job(const char *nexthop, uint64_t size, const char *rcpts)
{
	struct slice rest = slice_text(rcpts), word;
	uint64_t n = ++queue.n_jobs;
	char text[40];

	queue.size[n] = size;
	queue.sent[n] = 0;
	queue.credit[n] = AGENT_CREDIT;
	buf_clear(&queue.verdicts[n]);
	frame_put(&queue.conn.out, 'O', n, SLICE(""));
	attr(n, "nexthop", nexthop);
	attr(n, "id", "00000000000000aa");
	snprintf(text, sizeof text, "%llu", (unsigned long long)size);
	attr(n, "size", text);
	frame_put(&queue.conn.out, 'S', n, SLICE("s@a.test"));
	while ((word = slice_word(&rest)).len > 0)
		frame_put(&queue.conn.out, 'R', n, word);
	frame_put(&queue.conn.out, 'C', n, SLICE(""));
	queue_text(n);
	return n;
}

static char here[64];

static void
fresh(enum mode mode)
{
	rounds(3);
	host.mode = mode;
	host.n_packages = 0;
	buf_clear(&host.rcpts);
	buf_clear(&host.sums);
	queue.n_jobs = queue.n_verdicts = 0;
	queue.holds = false;
}

static void
wait_verdicts(size_t n);

/* The same on a connection that has had a reply. */
static void
fresh_known(enum mode mode)
{
	int i;

	host_close_conns();
	for (i = 0; i < 2000 && pool.n_peers > 0; i++)
		rounds(1);
	fresh(ANSWERS);
	job(here, 100, "known@x");
	wait_verdicts(1);
	ok_quiet(queue.verdicts[1].len > 0 && *queue.verdicts[1].mem == 'K',
		 "it is known");
	fresh(mode);
}

static void
wait_verdicts(size_t n)
{
	int i;

	for (i = 0; i < 2000 && queue.n_verdicts < n; i++)
		rounds(1);
	rounds(3);
}

static void
verdicts(uint64_t n, const char *expected, const char *what)
{
	struct slice s = buf_slice(&queue.verdicts[n]);
	bool good = slice_eq(s, slice_text(expected));

	ok(good, "%s: %.*s", what, (int)s.len, s.at);
}

static size_t
count(const char *expected)
{
	size_t i, n = 0;

	for (i = 1; i <= queue.n_jobs; i++)
		n += slice_eq(buf_slice(&queue.verdicts[i]),
			      slice_text(expected));
	return n;
}

/* How many verdicts there are of a kind. */
static size_t
letters(char letter)
{
	size_t i, j, n = 0;

	for (i = 1; i <= queue.n_jobs; i++)
		for (j = 0; j < queue.verdicts[i].len; j++)
			n += queue.verdicts[i].mem[j] == letter;
	return n;
}

static bool
same_sums(uint64_t size, size_t n)
{
	struct buf want = {0};
	uint64_t i, sum = 0;
	bool same;

	for (i = 0; i < size; i++)
		sum = sum * 31 + (uint8_t)text_byte(i);
	while (n-- > 0) {
		buf_number(&want, size);
		buf_putc(&want, '/');
		buf_number(&want, sum);
		buf_putc(&want, ' ');
	}
	same = slice_eq(buf_slice(&want), buf_slice(&host.sums));
	buf_free(&want);
	return same;
}

static void
plain(void)
{
	fresh(ANSWERS);
	job(here, 100, "a@x b@x");
	job(here, 100, "no@x c@x no@y");
	job(here, 100, "d@x");
	wait_verdicts(6);
	verdicts(1, "K K ", "two recipients");
	verdicts(2, "D5.1.1 K D5.1.1 ", "each recipient its own verdict");
	verdicts(3, "K ", "one recipient");
	ok(host.n_packages == 6, "one recipient a package");
	ok(same_sums(100, 6), "the text comes out as it went in");
	ok(host.n_served == 1, "one connection");
	job(here, 0, "e@x");
	wait_verdicts(7);
	verdicts(4, "K ", "no text at all");
	ok(host.n_served == 1, "the same connection again");
}

/* One connection for all: who is idle makes room for another next hop, who is
 * busy is waited for. */
static void
shares(void)
{
	size_t before = pool.peers_max, n = host.n_served;
	char other[64];

	snprintf(other, sizeof other, "qmtp:127.0.0.1:0%u", host.port);
	fresh(ANSWERS);
	pool.peers_max = 1;
	job(here, 100, "a@x b@x");
	wait_verdicts(2);
	job(other, 100, "c@x d@x");
	wait_verdicts(4);
	verdicts(2, "K K ", "another next hop is served");
	ok(host_open_conns() == 1 && pool.n_peers == 1 &&
	       host.n_served == n + 1,
	   "on the one connection that there may be");
	host.mode = SILENT;
	job(other, 100, "e@x f@x");
	job(here, 100, "g@x h@x");
	rounds(100);
	ok(queue.n_verdicts == 4 && host_open_conns() == 1,
	   "who is busy makes no room");
	host_release();
	wait_verdicts(8);
	verdicts(4, "K K ", "but is waited for");
	pool.peers_max = before;
}

static void
window(void)
{
	size_t i;

	host_close_conns();
	fresh(SILENT);
	for (i = 0; i < 200; i++)
		job(here, 100, "a@x");
	rounds(100);
	ok(host.n_packages == 1 && host_open_conns() == 1,
	   "one package before the first reply");
	host_release();
	wait_verdicts(200);
	fresh_known(SILENT);
	for (i = 0; i < 200; i++)
		job(here, 100, "a@x");
	for (i = 0; i < 300 && host.n_packages < 200; i++)
		rounds(1);
	ok(host.n_packages == 200 && host_open_conns() == 4,
	   "windows of 64: %zu packages on %zu connections", host.n_packages,
	   host_open_conns());
	job(here, 100, "a@x");
	host_release();
	wait_verdicts(201);
	ok(count("K ") == 201, "all are answered: %zu", count("K "));

	fresh_known(SILENT);
	for (i = 0; i < 20; i++)
		job(here, 250000, "a@x");
	rounds(100);
	ok(host.n_packages == 16, "windows of a MiB: %zu packages",
	   host.n_packages);
	host_release();
	wait_verdicts(20);
	ok(count("K ") == 20, "all are answered: %zu", count("K "));
}

static void
closes(void)
{
	size_t i;

	fresh_known(CLOSES);
	host.next_mode = ANSWERS;
	for (i = 0; i < 100; i++)
		job(here, 100, "a@x b@x c@x");
	wait_verdicts(300);
	ok(queue.n_verdicts == 300, "all are answered");
	ok(letters('H') >= 1 && letters('H') <= 3 &&
	       letters('K') == 300 - letters('H') && count("K K K ") == 99,
	   "the oldest is H, the rest begins again: %zu, %zu", letters('H'),
	   letters('K'));

	host_close_conns();
	fresh(ANSWERS);
	job(here, 100, "b b b b b b b b b b");
	for (i = 0; i < 4; i++)
		job(here, 100, "s");
	wait_verdicts(14);
	ok(slice_starts(buf_slice(&host.rcpts), SLICE("b b s b s b s b s b ")),
	   "a message for many and others take turns: %.*s",
	   (int)host.rcpts.len, buf_slice(&host.rcpts).at);

	host_close_conns();
	fresh(NONSENSE);
	job(here, 100, "a@x b@x");
	wait_verdicts(2);
	verdicts(1, "U4.5.0 U4.5.0 ", "a peer that talks nonsense");

	host_close_conns();
	fresh(TALKS);
	job(here, 100, "a@x");
	wait_verdicts(1);
	rounds(10);
	ok(host_open_conns() == 0, "too many replies end the connection");

	host_close_conns();
	fresh(EARLY);
	queue.holds = true;
	job(here, 3000000, "a@x");
	wait_verdicts(1);
	verdicts(1, "U4.5.0 ", "a reply before the package is complete");
}

/* K before there was a text; K for a part of it. */
static void
early(void)
{
	fresh_known(ANSWERS);
	ok(write(host.served[0]->conn.stream.fd, "3:Kok,", 6) == 6,
	   "a K for nothing");
	job(here, 100, "no@x");
	wait_verdicts(1);
	verdicts(1, "D5.1.1 ", "it waits when a package begins: not for that");
	ok(host.n_served == 2, "which has another connection");

	fresh_known(EARLY);
	queue.holds = true;
	job(here, 3000000, "a@x");
	wait_verdicts(1);
	ok(letters('K') == 0, "a K before the end of the text: %.*s",
	   (int)queue.verdicts[1].len, buf_slice(&queue.verdicts[1]).at);
}

static void
whose(void)
{
	host_close_conns();
	fresh(FULL);
	job(here, 100, "a@x");
	wait_verdicts(1);
	verdicts(1, "H4.3.1 ", "a full hub is about the host");
	fresh(BUSY);
	job(here, 100, "a@x");
	wait_verdicts(1);
	verdicts(1, "L4.3.2 ", "a busy one wants less");
	fresh(ROUTES);
	job(here, 100, "a@x");
	wait_verdicts(1);
	verdicts(1, "Z4.4.4 ", "what it cannot reach is about the mail");
}

/* Each connection ends at its first package. */
static void
ends(void)
{
	size_t i;

	host_close_conns();
	rounds(200); /* what was before is over */
	fresh(CLOSES);
	host.next_mode = CLOSES;
	for (i = 0; i < 100; i++)
		job(here, 100, "a@x");
	for (i = 0; i < 8 && queue.n_verdicts < 4; i++)
		wait_verdicts(4);
	ok(queue.n_verdicts == 4 && host.n_served == 4 && letters('H') == 4,
	   "a hub that ends connections: on %zu connections %zu H, %zu U",
	   host.n_served, letters('H'), letters('U'));
	rounds(50);
	ok(queue.n_verdicts == 4, "what was not sent waits for the next one");
	host.mode = ANSWERS;
	host.next_mode = ANSWERS;
	for (i = 0; i < 8 && queue.n_verdicts < 100; i++)
		wait_verdicts(100);
	ok(queue.n_verdicts == 100 && letters('K') == 96,
	   "and is taken when it is well, within %d ms: %zu K, %zu others",
	   HOP_BAD_MAX_MS, letters('K'), queue.n_verdicts - letters('K'));
}

/* It answers nothing any more. */
static void
frozen(void)
{
	int i;

	/* not the hop of the test before: that one is still paced */
	snprintf(here, sizeof here, "qmtp:localhost:%u", host.port);
	fresh_known(SILENT);
	for (i = 0; i < 300; i++)
		job(here, 100, "a@x");
	for (i = 0; i < 15000 && queue.n_verdicts < 44; i++)
		rounds(1);
	rounds(5);
	ok(queue.n_verdicts == 44 && letters('U') == 44,
	   "frozen: what has not begun is answered: %zu", queue.n_verdicts);
	job(here, 100, "a@x");
	rounds(20);
	ok(queue.n_verdicts == 45 && letters('U') == 45,
	   "and what comes then, at once");
	host_release();
	wait_verdicts(301);
	ok(letters('K') == 256, "until it says something: %zu K", letters('K'));
	job(here, 100, "a@x");
	wait_verdicts(302);
	ok(letters('K') == 257, "then it gets mail again");
}

static void
unreachable(void)
{
	char text[64];
	int i;

	fresh(ANSWERS);
	snprintf(text, sizeof text, "qmtp:127.0.0.1:%u", 22999);
	job(text, 100, "a@x b@x");
	job("qmtp:127.0.0.1", 100, "a@x");
	job("smtp:127.0.0.1:25", 100, "a@x");
	job("qmtp:[::1:5", 100, "a@x");
	job(text, 3000000, "a@x b@x");
	job(text, 3000000, "a@x");
	wait_verdicts(8);
	verdicts(1, "U4.4.1 U4.4.1 ", "nobody listens");
	verdicts(2, "U4.3.5 ", "no port");
	verdicts(3, "H4.3.5 ", "not ours");
	verdicts(4, "U4.3.5 ", "a broken address");
	verdicts(5, "U4.4.1 U4.4.1 ", "nobody listens, large, two");
	verdicts(6, "U4.4.1 ", "nobody listens, large");
	job("qmtp:host.invalid:209", 100, "a@x");
	for (i = 0; i < 10 && queue.n_verdicts < 9; i++)
		wait_verdicts(9); /* a resolver's time-outs */
	ok(slice_starts(buf_slice(&queue.verdicts[7]), SLICE("U4.4.")),
	   "a name that cannot be looked up");
}

static void
large(void)
{
	uint64_t size = 3 * 1000 * 1000;
	size_t i;

	host_close_conns();
	fresh(ANSWERS);
	queue.holds = true;
	job(here, size, "big@x");
	rounds(20);
	for (i = 0; i < 10; i++)
		job(here, 100, "a@x");
	wait_verdicts(10);
	ok(count("K ") == 10, "small ones pass a large one that is stuck: %zu",
	   count("K "));
	ok(queue.credit[1] <= 2 * AGENT_CREDIT, "it is granted little");
	buf_clear(&host.sums);
	queue.holds = false;
	queue_text(1);
	wait_verdicts(11);
	verdicts(1, "K ", "the large one");
	ok(same_sums(size, 1), "its text");

	fresh(ANSWERS);
	job(here, size, "big@x no@x big@y");
	wait_verdicts(3);
	verdicts(1, "K D5.1.1 K ", "a large one for three");
	ok(same_sums(size, 3), "its text, three times");
	ok(pool.hoard == 0, "nothing is hoarded any more");

	host_close_conns();
	fresh(ANSWERS);
	for (i = 0; i < 8; i++)
		job(here, size, i & 1 ? "b@x c@x" : "b@x");
	wait_verdicts(12);
	ok(count("K ") == 4 && count("K K ") == 4, "eight large ones");
	ok(same_sums(size, 12) && host.n_served <= 3, "on %zu connections",
	   host.n_served);
}

/* Four connections are there, and five large messages that stand still. */
static void
many_large(void)
{
	size_t i;

	fresh_known(SILENT);
	for (i = 0; i < 200; i++)
		job(here, 100, "a@x");
	rounds(50);
	host_release();
	wait_verdicts(200);
	ok(host_open_conns() == 4, "four connections");
	fresh(ANSWERS);
	queue.holds = true;
	for (i = 0; i < 5; i++)
		job(here, 1000000, "big@x");
	rounds(20);
	job(here, 100, "a@x");
	wait_verdicts(1);
	verdicts(6, "K ", "a small one finds a connection");
	queue.holds = false;
	for (i = 1; i <= 5; i++)
		queue_text(i);
	wait_verdicts(6);
	ok(count("K ") == 6, "then the large ones go");
}

static void
abandoned(void)
{
	int i;

	host_close_conns();
	fresh(ANSWERS);
	queue.holds = true;
	job(here, 3000000, "big@x");
	job(here, 3000000, "big@x big@y");
	job(here, 100, "a@x");
	rounds(50);
	verdicts(3, "K ", "a small one");
	frame_put(&queue.conn.out, 'A', 1, SLICE(""));
	frame_put(&queue.conn.out, 'A', 2, SLICE(""));
	conn_flush_later(&queue.conn);
	rounds(20);
	queue.holds = false;
	job(here, 100, "b@x");
	wait_verdicts(2);
	verdicts(4, "K ", "after two large ones were dropped");
	ok(host_open_conns() == 1 && pool.hoard == 0, "nothing is left");

	fresh(SILENT);
	job(here, 100, "a@x b@x");
	job(here, 3000000, "a@x b@x");
	rounds(50);
	queue.holds = true;
	job(here, 200000000, "a@x b@x"); /* has the hoard */
	for (i = 0; i < 6; i++)		 /* wait for it */
		job(here, 200000000, "a@x b@x");
	rounds(5);
	conn_close(&queue.conn);
	rounds(5);
	host_release();
	rounds(5);
	usleep(AGENT_RETRY_MS * 1000);
	rounds(10);
	ok(queue.conn.is_open && queue.n_frames > 0, "connects again");
	ok(host_open_conns() == 0,
	   "what the new queue sends goes out on new connections");
	fresh(ANSWERS);
	job(here, 100, "a@x");
	wait_verdicts(1);
	verdicts(1, "K ", "and works");
	ok(pool.hoard == 0, "nothing is hoarded");
}

static void
stops(void)
{
	fresh_known(SILENT);
	job(here, 100, "a@x");
	rounds(20);
	queue.holds = true;
	job(here, 3000000, "large@x");
	rounds(20);
	queue.n_back = 0;
	pool_stop(&pool);
	rounds(5);
	job(here, 100, "b@x");
	rounds(20);
	ok(pool_busy(&pool) && host.n_packages == 1, "begins nothing more");
	ok(queue.n_back == 2, "gives back what is not there as a whole");
	host_release();
	wait_verdicts(1);
	ok(!pool_busy(&pool), "and is done with what had begun");
	verdicts(1, "K ", "which is answered");
	verdicts(2, "", "the other is not");
}

/* What the host does in so many seconds. */
static void
pass(int64_t s)
{
	static const char drops[] = "60000:Kx";
	static size_t n_drops;
	struct served *last =
	    host.n_served ? host.served[host.n_served - 1] : NULL;
	char byte;

	now_us = (now_us ? now_us : clock_steady_us()) + s * 1000000;
	clock_set_for_tests(now_us);
	if (host.mode != DRIPS)
		n_drops = 0;
	if (last && last->conn.is_open && host.mode == DRIPS) {
		conn_put(&last->conn, slice_of(drops + n_drops, 1));
		n_drops += n_drops < sizeof drops - 2;
	}
	if (last && last->conn.is_open && host.mode == SIPS) {
		conn_pause(&last->conn);
		ok_quiet(recv(last->conn.stream.fd, &byte, 1, 0) == 1, "a sip");
	}
	rounds(2);
}

static int64_t
lasts_s(size_t n, int64_t step)
{
	int64_t s = 0;

	rounds(10);
	while (queue.n_verdicts < n && s < 9000) {
		pass(step);
		s += step;
	}
	return s;
}

static void
slow(void)
{
	size_t i, n = 0;
	int64_t s;

	host_close_conns();
	fresh(DRIPS);
	job(here, 100, "a@x");
	for (i = 0; i < 3000 && host.n_packages == 0; i++)
		rounds(1);
	s = lasts_s(1, 10);
	verdicts(1, "H4.4.2 ", "a reply by bytes");
	ok(s >= 290 && s <= 330, "has %lld s", (long long)s);
	host_close_conns();
	pass(100);
	fresh(SIPS);
	job(here, 5000000, "b@x");
	for (i = 0; i < 3000 && host.n_served == 0; i++)
		rounds(1);
	s = lasts_s(1, 10);
	verdicts(1, "H4.4.2 ", "a text that is read by bytes");
	ok(s >= 290 && s <= 2000, "has %lld s", (long long)s);
	host_close_conns();
	pass(100);
	fresh(SILENT);
	job(here, 100,
	    "a@x b@x c@x d@x e@x f@x g@x h@x i@x j@x k@x l@x m@x "
	    "n@x o@x p@x q@x r@x s@x t@x u@x v@x w@x x@x y@x z@x");
	for (i = 0; i < 3000 && host.n_packages == 0; i++)
		rounds(1);
	for (s = 0; queue.n_verdicts < 26 && s < 9000; s += 200) {
		struct served *last = host.served[host.n_served - 1];

		if (last->conn.is_open && last->n_answered < last->n_packages)
			host_answer(last, SLICE("x"));
		for (i = 0; i < 3000 && queue.n_verdicts < last->n_answered;
		     i++)
			rounds(1);
		pass(200);
	}
	for (i = 0; i < queue.verdicts[1].len; i++)
		n += buf_slice(&queue.verdicts[1]).at[i] == 'K';
	ok(n >= 15 && n <= 20 && s <= 4200,
	   "a reply each 200 s: %zu in an hour, %lld s", n, (long long)s);
	host_close_conns();
}

int
main(void)
{
	char dir[] = "/tmp/quail-pool-XXXXXX", command[64];
	struct dns *dns;
	size_t i;

	setenv("QUAIL_DNS", "127.0.0.1:22998", 1);
	if (!mkdtemp(dir) || chdir(dir) != 0)
		return 111;
	loop_init(&loop);
	queue.listener = (struct loop_io){unix_listen(agent_path, 0600),
					  LOOP_READ, queue_accepts};
	loop_watch(&loop, &queue.listener);
	host_open();
	snprintf(here, sizeof here, "qmtp:127.0.0.1:%u", host.port);
	dns = dns_open(&loop);
	pool_init(&pool, &loop, dns, agent_path);
	rounds(5);
	plain();
	shares();
	window();
	closes();
	early();
	whose();
	unreachable();
	large();
	many_large();
	abandoned();
	ends();
	frozen();
	slow();
	stops();
	pool_close(&pool);
	dns_close(dns);
	conn_close(&queue.conn);
	host_close_conns();
	for (i = 0; i < JOBS_MAX; i++)
		buf_free(&queue.verdicts[i]);
	buf_free(&host.rcpts);
	buf_free(&host.sums);
	loop_forget(&loop, &queue.listener);
	loop_forget(&loop, &host.listener);
	loop_free(&loop);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) == 0 ? tap_done() : 1;
}
