/* smtp_slow_test.c - smtp-gateway out and hosts that take their time: a byte
 * now and then keeps no connection, and one address not all of them
 *
 * The clock is the test's own: it goes on by seconds when the test says so.
 */
#include "lib/clock.h"
#include "lib/frame.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "smtp-gateway/peer.h"
#include "tests/tables.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum { JOBS_MAX = 300, SERVED_MAX = 400 };

static struct loop loop;
static struct config config;
static struct out out;
static int64_t now_us = 1000000000000;

static void
rounds(int n)
{
	while (n-- > 0)
		loop_round(&loop, 1);
}

/* The host: what it does at a command, and behind the text. */
enum mode {
	GOOD,
	DRIPS_GREETING, /* a byte each second, of a line without end */
	DRIPS_MAIL,
	DRIPS_FINAL,
	LINES_MAIL, /* a whole line every other second, but not the last */
	SIPS,	    /* takes so many bytes of the text each second */
	HOLDS	    /* no answer to MAIL, and that's all */
};

struct served {
	struct conn conn;
	enum mode mode;
	bool is_dripping, in_text;
	size_t n_dripped, n_s;
};

static struct {
	struct loop_io listener;
	uint16_t port;
	enum mode mode;
	size_t sip;
	struct served *served[SERVED_MAX];
	size_t n;
} host;

static void
say(struct served *s, const char *line)
{
	conn_put(&s->conn, slice_text(line));
}

static void
hear(struct served *s, struct slice line)
{
	if (s->in_text) {
		if (!slice_eq(line, SLICE(".\r\n")))
			return;
		s->in_text = false;
		s->is_dripping = s->mode == DRIPS_FINAL;
		if (!s->is_dripping)
			say(s, "250 ok\r\n");
	} else if (slice_starts(line, SLICE("DATA"))) {
		s->in_text = true;
		say(s, "354 go on\r\n");
		if (s->mode == SIPS)
			conn_pause(&s->conn);
	} else if (slice_starts(line, SLICE("MAIL")) &&
		   (s->mode == DRIPS_MAIL || s->mode == LINES_MAIL)) {
		s->is_dripping = true;
	} else if (!slice_starts(line, SLICE("MAIL")) || s->mode != HOLDS) {
		say(s, "250 ok\r\n");
	}
}

static void
host_conn(struct conn *c, enum conn_event event)
{
	struct served *s = OWNER(c, struct served, conn);

	if (event == CONN_EOF || event == CONN_BROKEN) {
		conn_close(c);
		return;
	}
	while (event == CONN_INPUT && c->is_open) {
		struct slice in = buf_slice(&c->in);
		size_t n = slice_find(in, '\n');

		if (n == in.len || c->paused)
			break;
		hear(s, slice_of(in.at, n + 1));
		conn_take(c, n + 1);
	}
}

static void
host_accepts(struct loop_io *io, unsigned events)
{
	struct endpoint peer;
	int fd = socket_accept(io->fd, &peer);
	struct served *s;

	(void)events;
	if (fd < 0 || host.n == SERVED_MAX)
		return;
	s = calloc(1, sizeof *s);
	host.served[host.n++] = s;
	s->mode = host.mode;
	conn_open_take(&s->conn, &loop, fd, host_conn);
	s->is_dripping = s->mode == DRIPS_GREETING;
	if (!s->is_dripping)
		say(s, "220 host\r\n");
}

static void
host_open(void)
{
	static const int small = 8192;
	struct endpoint e;
	int fd = -1;

	for (host.port = 23100; fd < 0 && host.port < 23900; host.port++) {
		endpoint_parse(&e, SLICE("0.0.0.0"), host.port);
		fd = endpoint_listen(&e);
	}
	host.port--;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	host.listener = (struct loop_io){fd, LOOP_READ, host_accepts};
	loop_watch(&loop, &host.listener);
}

/* What it does in a second. */
static void
host_second(struct served *s)
{
	static const char *const drops[] = {"2", "5", "0", " ", "x"};
	static char sip[65536];
	struct slice end = SLICE("\r\n.\r\n");

	if (!s->conn.is_open || (s->mode == LINES_MAIL && s->n_s++ % 2))
		return;
	if (s->is_dripping)
		say(s,
		    s->mode == LINES_MAIL ? "250-x\r\n" : drops[s->n_dripped]);
	if (s->is_dripping && s->n_dripped < 4)
		s->n_dripped++;
	if (s->mode == SIPS && s->in_text) {
		ssize_t n = recv(s->conn.stream.fd, sip, host.sip, 0);

		if (n >= (ssize_t)end.len &&
		    memcmp(sip + n - end.len, end.at, end.len) == 0)
			say(s, "250 ok\r\n");
	}
}

static size_t
host_conns(void)
{
	size_t i, n = 0;

	for (i = 0; i < host.n; i++)
		n += host.served[i]->conn.is_open;
	return n;
}

/* The queue. */
static struct {
	struct conn conn;
	struct loop_io listener;
	uint64_t size[JOBS_MAX], sent[JOBS_MAX], credit[JOBS_MAX];
	struct buf verdicts[JOBS_MAX];
	size_t n_jobs, n_verdicts;
} queue;

static void
queue_text(uint64_t job)
{
	struct buf text = {0};

	while (queue.sent[job] < queue.size[job] && queue.credit[job] > 0) {
		buf_clear(&text);
		while (text.len < 60000 && queue.credit[job] > 0 &&
		       queue.sent[job] < queue.size[job]) {
			buf_putc(&text, "text\n"[queue.sent[job]++ % 5]);
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
	struct verdict v;
	uint64_t n = 0;

	if (f->type == 'V' && f->id < JOBS_MAX) {
		ok_quiet(verdict_parse_agent(&v, f->rest) == 0, "a verdict");
		buf_putc(&queue.verdicts[f->id], verdict_letter(&v));
		buf_puts(&queue.verdicts[f->id], verdict_text(&v));
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

	if (event != CONN_INPUT)
		return;
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
	if (fd >= 0)
		conn_open_take(&queue.conn, &loop, fd, queue_event);
}

static void
attr(uint64_t job, const char *key, const char *value)
{
	char text[200];

	snprintf(text, sizeof text, "%s=%s", key, value);
	frame_put(&queue.conn.out, 'P', job, slice_text(text));
}

/* helo: another one is another destination. */
static uint64_t
job_to(const char *address, const char *sender, uint64_t size, const char *helo)
{
	uint64_t n = ++queue.n_jobs;
	char text[40];

	queue.size[n] = size;
	queue.sent[n] = 0;
	queue.credit[n] = AGENT_CREDIT;
	buf_clear(&queue.verdicts[n]);
	frame_put(&queue.conn.out, 'O', n, SLICE(""));
	snprintf(text, sizeof text, "smtp:%s:%u", address, host.port);
	attr(n, "nexthop", text);
	attr(n, "helo", helo);
	attr(n, "id", "00000000000000aa");
	snprintf(text, sizeof text, "%llu", (unsigned long long)size);
	attr(n, "size", text);
	frame_put(&queue.conn.out, 'S', n, slice_text(sender));
	frame_put(&queue.conn.out, 'R', n, SLICE("r@b.test"));
	frame_put(&queue.conn.out, 'C', n, SLICE(""));
	queue_text(n);
	return n;
}

static uint64_t
job(uint64_t size, const char *helo)
{
	return job_to("127.0.0.1", "s@a.test", size, helo);
}

static void
a_second(int64_t s)
{
	size_t i;

	now_us += s * 1000000;
	clock_set_for_tests(now_us);
	for (i = 0; i < host.n; i++)
		host_second(host.served[i]);
	rounds(2);
}

/* Nothing of before is left. */
static void
fresh(enum mode mode)
{
	size_t i;

	for (i = 0; i < host.n; i++) {
		conn_close(&host.served[i]->conn);
		free(host.served[i]);
	}
	host.n = 0;
	for (i = 0; i < 10; i++)
		a_second(100);
	host.mode = mode;
	queue.n_jobs = queue.n_verdicts = 0;
}

/* How many seconds until there is a verdict? It looks each step seconds. */
static int64_t
lasts_s(int64_t step, int64_t most)
{
	int64_t s = 0;

	rounds(10);
	while (queue.n_verdicts == 0 && s < most) {
		a_second(step);
		s += step;
	}
	return s;
}

/* Until the host does what is slow. */
static void
begun(void)
{
	size_t i;

	for (i = 0; i < 3000; i++) {
		const struct served *s = host.n ? host.served[0] : NULL;

		if (s && (s->is_dripping || s->in_text))
			return;
		rounds(1);
	}
}

static void
slow(enum mode mode, uint64_t size, int64_t least, int64_t most,
     const char *verdict, const char *what)
{
	struct slice v;
	int64_t s;

	fresh(mode);
	job(size, "me.test");
	begun();
	s = lasts_s(most > 2000 ? 10 : 1, most + 100);
	v = buf_slice(&queue.verdicts[1]);
	ok(s >= least && s <= most && slice_starts(v, slice_text(verdict)),
	   "%s: %lld s, %.*s", what, (long long)s, (int)v.len, v.at);
	rounds(2);
	ok(out.peers.n == 0, "and the connection is closed");
}

/* Twenty of these hold the address; the others do not wait for ever. */
static void
test_crowd(void)
{
	size_t i, n_told = 0;
	char name[20];

	fresh(HOLDS);
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "n%zu.test", i);
		job(100, name);
	}
	for (i = 0; i < 3000 && host_conns() < CROWD_MAX; i++)
		rounds(1);
	for (i = 0; i < 20; i++) {
		a_second(1);
		rounds(5);
	}
	ok(host_conns() == CROWD_MAX && queue.n_verdicts == 0,
	   "50 destinations at one address: %zu connections", host_conns());
	for (i = 0; i < 20; i++)
		a_second(1);
	for (i = 0; i < 3000 && queue.n_verdicts < 30; i++)
		rounds(1);
	for (i = 1; i <= queue.n_jobs; i++)
		n_told += slice_starts(buf_slice(&queue.verdicts[i]),
				       SLICE("Uits hosts have as many"));
	ok(n_told == 30 && queue.n_verdicts == 30,
	   "the other %zu go back to the queue", n_told);
	ok(host_conns() == CROWD_MAX, "the 20 stay");
}

/* Where they are quick, all have their turn. */
static void
test_turns(void)
{
	size_t i, n_good = 0;
	char name[20];

	fresh(GOOD);
	for (i = 0; i < 80; i++) {
		snprintf(name, sizeof name, "q%zu.test", i);
		job(100, name);
	}
	for (i = 0; i < 3000 && queue.n_verdicts < 80; i++) {
		rounds(2);
		ok_quiet(host_conns() <= CROWD_MAX + 20, "%zu", host_conns());
	}
	for (i = 1; i <= queue.n_jobs; i++)
		n_good +=
		    slice_starts(buf_slice(&queue.verdicts[i]), SLICE("K"));
	ok(n_good == 80, "80 destinations, quick ones: %zu delivered", n_good);
}

/* Bounces that hosts of strangers hold leave a half for other mail. */
static void
test_bounces(void)
{
	char address[20];
	uint64_t good;
	size_t i;

	fresh(HOLDS);
	for (i = 0; i < 250; i++) {
		snprintf(address, sizeof address, "127.0.1.%zu", i + 1);
		job_to(address, "", 100, "me.test");
	}
	for (i = 0; i < 5000 && host.n < OUT_PEERS_MAX / 2; i++)
		rounds(1);
	rounds(50);
	ok(out.peers.n == OUT_PEERS_MAX / 2 && queue.n_verdicts == 0,
	   "250 bounces that are held: %zu connections", out.peers.n);
	host.mode = GOOD;
	good = job_to("127.0.2.1", "s@a.test", 100, "me.test");
	for (i = 0; i < 5000 && queue.n_verdicts == 0; i++)
		rounds(1);
	ok(slice_starts(buf_slice(&queue.verdicts[good]), SLICE("K")),
	   "other mail goes out beside them");
}

static bool
is_taken(uint64_t n)
{
	int i;

	for (i = 0; i < 1000 && queue.verdicts[n].len == 0; i++)
		rounds(1);
	return slice_starts(buf_slice(&queue.verdicts[n]), SLICE("K"));
}

/* A name server that says nothing has all look-ups. */
static void
test_lookups(void)
{
	uint64_t n;

	fresh(GOOD);
	out.lookups.max = 3;
	job_to("silent1.test", "s@a.test", 100, "me.test");
	job_to("silent2.test", "s@a.test", 100, "me.test");
	job_to("silent3.test", "s@a.test", 100, "me.test");
	rounds(20);
	ok(out.lookups.n == 3, "three look-ups are under way");
	n = job_to("127.0.0.1", "s@a.test", 100, "me.test");
	ok(is_taken(n), "a number waits for none of them");
	for (n = 1; n <= 3; n++) /* the queue calls them back */
		frame_put(&queue.conn.out, 'G', n, SLICE(""));
	conn_flush_later(&queue.conn);
	rounds(20);
	ok(out.n_jobs == 0 && out.lookups.n == 3, "and nothing waits for them");
	n = job_to("localhost", "s@a.test", 100, "me.test");
	ok(is_taken(n), "so one gives way to another name");
}

/* A name server that reads nothing. */
static void
mute_dns(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	char text[40];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		abort();
	snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(a.sin_port));
	setenv("QUAIL_DNS", text, 1);
}

static int
listen_for_agents(void)
{
	mkdir("run", 0700);
	queue.listener = (struct loop_io){unix_listen(HOME_AGENT, 0600),
					  LOOP_READ, queue_accepts};
	loop_watch(&loop, &queue.listener);
	return queue.listener.fd;
}

int
main(void)
{
	struct buf why = {0};

	log_program("smtp_slow_test");
	tables_begin();
	table("me", "me.test\n");
	table("routes", "* smtp:mx\n");
	says("the tables", BUILD_DONE, "", "");
	if (!ok(config_open(&config, "config.cdb", &why) == 0, "they open"))
		return tap_done();
	clock_set_for_tests(now_us);
	loop_init(&loop);
	host_open();
	ok(listen_for_agents() >= 0, "the queue listens");
	mute_dns();
	out_start(&out, &loop, &config);
	rounds(20);
	slow(DRIPS_GREETING, 100, 9, 15, "U", "a greeting by bytes");
	slow(DRIPS_MAIL, 100, 299, 320, "H", "a reply to MAIL by bytes");
	slow(LINES_MAIL, 100, 299, 320, "H", "a reply to MAIL by lines");
	slow(DRIPS_FINAL, 100, 599, 620, "H", "a reply to the text by bytes");
	host.sip = 1;
	slow(SIPS, 4000000, 180, 620, "H", "a text that is read by bytes");
	host.sip = 10000; /* each 10 seconds */
	slow(SIPS, 8000000, 4500, 4620, "H", "1 KB a second, for too long");
	test_crowd();
	test_turns();
	test_bounces();
	test_lookups();
	return tap_done();
}
