/* front_test.c - QMTP and QMQP sessions against a queue that does as it is
 * told: what reaches the door, and which replies come back when */
#include "cdb/build.h"
#include "lib/clock.h"
#include "lib/frame.h"
#include "lib/limits.h"
#include "lib/owner.h"
#include "lib/server_parts.h"
#include "qmqpd/session.h"
#include "qmtpd/qmtpc.h"
#include "qmtpd/replies.h"
#include "qmtpd/session.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The queue: tells the frames that it gets as a story, a line a message,
 * and answers when it is told to. */
enum { IDS_MAX = 1000 };

static struct queue {
	struct conn conn;
	struct loop_io listener;
	bool answers;	  /* K at once */
	struct buf story; /* frames, without ids and trace lines */
	uint64_t committed[IDS_MAX];
	size_t n_committed, n_opened;
	uint64_t leased;
} queue;

static struct loop loop;
static struct qmtpd qmtpd;
static struct qmqpd qmqpd;
static const char door_path[] = "run/door";

static void
rounds(int n)
{
	while (n-- > 0)
		loop_round(&loop, 1);
}

static void
queue_lease(void)
{
	queue.leased += 1000;
	frame_put(&queue.conn.out, 'L', queue.leased, SLICE("1000"));
	conn_flush_later(&queue.conn);
}

static void
queue_answer(uint64_t id, const char *verdict)
{
	frame_put(&queue.conn.out, 'V', id, slice_text(verdict));
	conn_flush_later(&queue.conn);
}

/* Without what changes from run to run. */
static struct slice
without_trace(struct slice s)
{
	if (slice_starts(s, SLICE("Received: "))) {
		s = slice_from(s, slice_find(s, '+'));
		s = slice_from(s, slice_find(s, '\n') + 1);
	}
	return s;
}

static void
queue_frame(const struct frame *f)
{
	if (f->type == 'O')
		queue.n_opened++;
	/* the trace line's length changes with the clock's digits, and sessions
	 * are counted */
	if (f->type == 'P' && (slice_starts(f->rest, SLICE("trace=")) ||
			       slice_starts(f->rest, SLICE("session="))))
		return;
	if (f->type == 'T' && queue.story.len > 0 && f->rest.len > 1000) {
		buf_text(&queue.story, "T(long) ");
	} else if (strchr("PTSR", f->type)) {
		buf_putc(&queue.story, f->type);
		buf_putc(&queue.story, '(');
		buf_puts(&queue.story, without_trace(f->rest));
		buf_text(&queue.story, ") ");
	} else {
		buf_putc(&queue.story, f->type);
		buf_putc(&queue.story, ' ');
	}
	if (f->type != 'C')
		return;
	if (queue.answers)
		queue_answer(f->id, "K");
	else if (queue.n_committed < IDS_MAX)
		queue.committed[queue.n_committed++] = f->id;
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
	if (queue.conn.is_open) { /* only one front end at a time */
		close(fd);
		return;
	}
	queue.conn = (struct conn){0};
	conn_open_take(&queue.conn, &loop, fd, queue_event);
	queue_lease();
}

static void
queue_open(void)
{
	int fd = unix_listen(door_path, 0600);

	ok_quiet(fd >= 0, "the queue listens: %d", errno);
	queue.listener = (struct loop_io){fd, LOOP_READ, queue_accepts};
	loop_watch(&loop, &queue.listener);
}

static void
queue_close(void)
{
	loop_forget(&loop, &queue.listener);
	close(queue.listener.fd);
	unlink(door_path);
	conn_close(&queue.conn);
}

/* The client's end of a socket pair, the other end in a session. */
struct client {
	int fd;
	struct buf got;
	bool closed;
};

static void
connect_client(struct client *c, struct server *server, const char *address)
{
	struct endpoint peer;
	int fds[2];

	*c = (struct client){0};
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
	endpoint_parse(&peer, slice_text(address), 4711);
	c->fd = fds[0];
	server->n_sessions++;
	server->accepted(server, fds[1], &peer);
}

static void
client_read(struct client *c)
{
	ssize_t n;

	while ((n = read(c->fd, buf_room(&c->got, 65536), 65536)) > 0)
		buf_added(&c->got, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		c->closed = true;
}

static void
client_write(struct client *c, struct slice s, size_t piece)
{
	while (s.len > 0 && !c->closed) {
		size_t len = s.len < piece ? s.len : piece;
		ssize_t n = send(c->fd, s.at, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			c->closed = true;
		if (n > 0)
			s = slice_from(s, (size_t)n);
		rounds(1);
		client_read(c);
	}
}

/* The same bytes n times, as far as they are taken, reading nothing. */
static void
client_push(struct client *c, struct slice bytes, size_t n)
{
	struct slice s = bytes;
	int tries = 100;

	while (n > 0 && tries-- > 0) {
		ssize_t sent = send(c->fd, s.at, s.len, MSG_NOSIGNAL);

		if (sent > 0)
			s = slice_from(s, (size_t)sent);
		if (s.len == 0) {
			s = bytes;
			n--;
		}
		rounds(1);
	}
}

/* A round does so much at the most: until there is a reply. */
static void
client_hears(struct client *c)
{
	int i;

	for (i = 0; i < 4000 && c->got.len == 0 && !c->closed; i++) {
		rounds(1);
		client_read(c);
	}
}

static void
client_close(struct client *c)
{
	close(c->fd);
	buf_free(&c->got);
	rounds(3);
}

/* "ok TIME ..."; some tests set the clock to the time since the machine came
 * up. */
static bool
is_ok_text(struct slice s)
{
	return slice_starts(s, SLICE("ok ")) && s.len > 3 && s.at[3] >= '1' &&
	       s.at[3] <= '9';
}

/* Has the server still to read of it? On a slow machine it takes its time. */
static bool
is_unread(const struct client *c)
{
	int n = 0;

	return !c->closed && ioctl(c->fd, TIOCOUTQ, &n) == 0 && n > 0;
}

/* "K D(text) " and "closed": what the client has got so far. */
static const char *
replies(struct client *c, bool to_the_end)
{
	static struct buf story;
	struct qmtpc q = {0};
	struct verdict v;
	struct slice in;
	size_t before;
	int tries = 0, unread_tries = 0;

	do {
		before = c->got.len;
		rounds(5);
		client_read(c);
	} while (c->got.len > before || (is_unread(c) && unread_tries++ < 60) ||
		 (to_the_end && !c->closed && tries++ < 400));
	in = buf_slice(&c->got);
	buf_clear(&story);
	while (qmtpc_push(&q, &in, &v) == QMTPC_REPLY) {
		buf_putc(&story, v.code);
		if (v.code != 'K') {
			buf_putc(&story, ' ');
			buf_puts(&story, verdict_status(&v));
		} else if (!is_ok_text(verdict_text(&v))) {
			buf_text(&story, "?");
		}
		buf_text(&story, ", ");
	}
	if (q.broken)
		buf_text(&story, "BAD ");
	if (c->closed)
		buf_text(&story, "closed");
	buf_putc(&story, 0);
	return story.mem;
}

static void
told(const char *expected, const char *what)
{
	bool good;

	rounds(3);
	buf_putc(&queue.story, 0);
	good = strcmp(queue.story.mem, expected) == 0;
	ok(good, "door: %s%s%s", what, good ? "" : ": ",
	   good ? "" : queue.story.mem);
	buf_clear(&queue.story);
}

static void
got(struct client *c, const char *expected, const char *what)
{
	const char *story = replies(c, strstr(expected, "closed") != NULL);
	bool good = strcmp(story, expected) == 0;

	ok(good, "reply: %s%s%s", what, good ? "" : ": ", good ? "" : story);
}

static void
fresh(bool answers)
{
	rounds(3);
	buf_clear(&queue.story);
	queue.n_committed = queue.n_opened = 0;
	queue.answers = answers;
}

#define ATTRS_FOR(proto, client) "O P(proto=" proto ") P(client=" client ") "
#define QMTP_ATTRS		 ATTRS_FOR("QMTP", "192.0.2.1") "P(relay=1) "
#define QMQP_ATTRS		 ATTRS_FOR("QMQP", "192.0.2.1") "P(relay=1) "

static void
qmtp_plain(void)
{
	static const char wire[] =
	    "12:\nhello world,8:a@b.test,22:8:c@d.test,8:e@f.test,,"
	    "3:\rx\r,0:,11:8:g@h.test,,";
	static const char story[] = QMTP_ATTRS
	    "T(hello world) S(a@b.test) R(c@d.test) R(e@f.test) C " QMTP_ATTRS
	    "T(x\r) S() R(g@h.test) C ";
	struct client c;
	size_t piece;

	for (piece = 1; piece < sizeof wire; piece += 7) {
		fresh(true);
		connect_client(&c, &qmtpd.front.server, "192.0.2.1");
		client_write(&c, SLICE(wire), sizeof wire);
		got(&c, "K, K, K, ", "two packages of three recipients");
		told(story, "two packages");
		client_close(&c);
	}
	fresh(true);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	client_write(&c, SLICE(wire), 1);
	got(&c, "K, K, K, ", "byte by byte");
	shutdown(c.fd, SHUT_WR);
	got(&c, "K, K, K, closed", "the end of input closes");
	client_close(&c);
	ok(qmtpd.front.server.n_sessions == 0, "no session is left");
}

static void
qmtp_order(void)
{
	struct client c;
	int i;

	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	for (i = 0; i < 3; i++)
		client_write(&c, SLICE("2:\nx,1:s,10:3:a@b,1:c,,"), 100);
	got(&c, "", "nothing before the queue's answer");
	ok(queue.n_committed == 3, "three are with the queue");
	queue_answer(queue.committed[2], "Dno (#5.7.9)");
	queue_answer(queue.committed[1], "Zlater (#4.2.9)");
	got(&c, "", "nothing before the first package's answer");
	queue_answer(queue.committed[0], "K");
	got(&c, "K, K, Z 4.2.9, Z 4.2.9, D 5.7.9, D 5.7.9, ",
	    "in order, however the queue answers");
	client_close(&c);
}

static void
qmtp_refusals(void)
{
	struct client c;

	fresh(true);
	connect_client(&c, &qmtpd.front.server, "198.51.100.1");
	client_write(&c,
		     SLICE("2:\nx,1:s,"
			   "44:10:a@far.test,0:,11:b@near.test,3:c\0d,3:e@f,,"),
		     100);
	got(&c, "D 5.7.1, D 5.1.3, K, D 5.1.3, D 5.7.1, ",
	    "a stranger: each recipient by itself");
	told(ATTRS_FOR("QMTP", "198.51.100.1") "T(x) S(s) R(b@near.test) C ",
	     "only what was accepted");
	client_write(&c, SLICE("2:\nx,1:s,26:10:a@far.test,9:b@far.net,,"),
		     100);
	got(&c, "D 5.7.1, D 5.1.3, K, D 5.1.3, D 5.7.1, D 5.7.1, D 5.7.1, ",
	    "nobody accepted");
	told(ATTRS_FOR("QMTP", "198.51.100.1") "T(x) S(s) A ",
	     "nobody accepted: not committed");
	client_close(&c);

	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("2:\nx,2:s\0,8:1:a,1:b,,"), 100);
	got(&c, "D 5.1.7, D 5.1.7, ", "a sender with NUL: all refused");
	client_write(&c, SLICE("2:\nx,1:s,0:,"), 100);
	got(&c, "D 5.1.7, D 5.1.7, ", "no recipient: no reply");
	client_write(&c, SLICE("2:\nx,1:s,7:0:,1:a,,"), 100);
	got(&c, "D 5.1.7, D 5.1.7, D 5.1.3, K, ", "an empty recipient");
	client_write(&c, SLICE("2:\nx,1:s,18:6:a@b..c,6:a@b.c.,,"), 100);
	got(&c, "D 5.1.7, D 5.1.7, D 5.1.3, K, D 5.1.3, K, ",
	    "a recipient at an empty label");
	client_write(&c, SLICE("2:\nx,5:s@..d,8:1:a,1:b,,"), 100);
	got(&c, "D 5.1.7, D 5.1.7, D 5.1.3, K, D 5.1.3, K, D 5.1.7, D 5.1.7, ",
	    "a sender there");
	client_close(&c);
}

static void
runs(void)
{
	static const char same[] = "same";
	struct replies r = {0};
	struct verdict v;
	struct buf out = {0};
	size_t n = 0;

	verdict_say(&v, 'K', "door");
	replies_add(&r, 'Z', same);
	replies_add(&r, 'D', same);
	replies_add(&r, 'D', same);
	replies_add(&r, REPLY_DOOR, NULL);
	replies_add(&r, REPLY_DOOR, NULL);
	while (!replies_put(&out, out.len + 1, &r, &v))
		n++;
	ok(n == 4, "one at a time, when there is no more room");
	ok(slice_eq(buf_slice(&out), SLICE("5:Zsame,5:Dsame,5:Dsame,"
					   "5:Kdoor,5:Kdoor,")) &&
	       r.n == 5 && r.n_door == 2,
	   "runs of replies");
	replies_free(&r);
	buf_free(&out);
}

static void
qmtp_ends(void)
{
	static const char two[] = "2:\nx,1:s,10:3:a@b,1:c,,";
	struct client c;

	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	client_write(&c, SLICE(two), 100);
	client_write(&c, SLICE("5:\nha"), 100);
	shutdown(c.fd, SHUT_WR);
	got(&c, "", "EOF inside the second package");
	told(QMTP_ATTRS "T(x) S(s) R(a@b) R(c) C " QMTP_ATTRS "T(ha) A ",
	     "the second is abandoned");
	queue_answer(queue.committed[0], "K");
	got(&c, "K, K, closed", "the first is still answered");
	client_close(&c);

	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("2:\nx,1:s,10:3:a@b,1:c,,2:xx,"), 100);
	got(&c, "", "wrong bytes behind a package");
	queue_answer(queue.committed[0], "K");
	got(&c, "K, K, closed", "it is still answered, then closed");
	client_close(&c);

	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("2:\nx,1:s,10:3:a@b,1:c,,"), 100);
	client_close(&c);
	rounds(5);
	ok(qmtpd.front.server.n_sessions <= 1, "a client that is gone");
	queue_answer(queue.committed[0], "K");
	rounds(5);
	ok(qmtpd.front.server.n_sessions == 0, "leaves no session");
}

static void
qmtp_queue_away(void)
{
	struct client c;

	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("2:\nx,1:s,10:3:a@b,1:c,,3:\ny"), 100);
	queue_close();
	got(&c, "Z 4.3.0, Z 4.3.0, ", "the queue goes away");
	client_write(&c, SLICE("z,1:s,4:1:c,,2:\nv,1:s,4:1:d,,"), 100);
	got(&c, "Z 4.3.0, Z 4.3.0, Z 4.3.0, Z 4.3.0, ",
	    "while it is away: Z, each in its place");
	client_write(&c, SLICE("2:\nv,2:s\0,4:1:d,,"), 100);
	got(&c, "Z 4.3.0, Z 4.3.0, Z 4.3.0, Z 4.3.0, Z 4.3.0, ",
	    "the first refusal stays");
	queue_open();
	usleep(DOOR_RETRY_MS * 1000);
	fresh(true);
	rounds(3);
	client_write(&c, SLICE("2:\nx,1:s,4:1:c,,"), 100);
	got(&c, "Z 4.3.0, Z 4.3.0, Z 4.3.0, Z 4.3.0, Z 4.3.0, K, ",
	    "it is back");
	client_close(&c);
}

static void
qmtp_window(void)
{
	struct client c;
	size_t i, n = 0;
	const char *s;

	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	for (i = 0; i < 300; i++)
		client_write(&c, SLICE("2:\nx,1:s,4:1:c,,"), 100);
	rounds(5);
	ok(queue.n_committed == SESSION_WINDOW, "the window: %zu packages",
	   queue.n_committed);
	for (i = 0; i < 300; rounds(2))
		for (; i < queue.n_committed; i++)
			queue_answer(queue.committed[i], "K");
	for (s = replies(&c, false); *s; s++)
		n += *s == 'K';
	ok(n == 300, "all are answered: %zu", n);
	client_close(&c);
}

/* More text in flight than the door holds: the session waits for it. */
static void
back_pressure(struct front *front, const char *head, const char *tail,
	      const char *reply)
{
	struct buf wire = {0};
	struct client c;
	size_t size = 20 * 1000 * 1000;
	int64_t us = (clock_ms() + 1000) * 1000;

	fresh(true);
	clock_set_for_tests(us);
	conn_pause(&queue.conn);
	connect_client(&c, &front->server, "192.0.2.1");
	buf_text(&wire, head);
	memset(buf_room(&wire, size), 'a', size);
	buf_added(&wire, size);
	buf_text(&wire, tail);
	for (int i = 0; i < 100; i++) {
		ssize_t n =
		    send(c.fd, wire.mem + wire.off, wire.len, MSG_NOSIGNAL);

		if (n > 0)
			buf_take(&wire, (size_t)n);
		rounds(1);
	}
	ok(wire.len > 5000000 && front->door.conn.out.len < 2 * DOOR_OUT_MAX,
	   "a queue that does not read stops the client: %zu, %zu", wire.len,
	   front->door.conn.out.len);
	clock_set_for_tests(us += (LIMIT_IDLE_S - 1) * INT64_C(1000000));
	conn_resume(&queue.conn);
	rounds(20);
	clock_set_for_tests(us += 5000000);
	rounds(2);
	client_write(&c, buf_slice(&wire), 1 << 20);
	client_hears(&c);
	got(&c, reply, "then it goes on, and was not slow");
	clock_set_for_tests(0);
	buf_free(&wire);
	client_close(&c);
}

static void
qmtp_back_pressure(void)
{
	back_pressure(&qmtpd.front, "20000001:\n", ",1:s,4:1:c,,", "K, ");
}

static void
qmqp_back_pressure(void)
{
	back_pressure(&qmqpd.front, "20000018:20000000:", ",1:s,1:c,,",
		      "K, closed");
}

/* Messages in flight, by their bytes; replies that nobody reads; more
 * recipients than anybody has. */
static void
qmtp_bounds(void)
{
	const size_t in_flight = SESSION_WINDOW_BYTES / 250001;
	struct buf wire = {0}, list = {0};
	struct client c;
	size_t i;

	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	buf_text(&wire, "250001:\n");
	memset(buf_room(&wire, 250000), 'a', 250000);
	buf_added(&wire, 250000);
	buf_text(&wire, ",1:s,4:1:c,,");
	client_push(&c, buf_slice(&wire), 12);
	for (i = 0; i < 1000 && queue.n_committed <= in_flight; i++)
		rounds(1);
	client_close(&c);
	ok(queue.n_committed == 1 + in_flight,
	   "%zu large packages are in flight", queue.n_committed);

	fresh(true);
	connect_client(&c, &qmtpd.front.server, "198.51.100.1");
	for (i = 0; i < 9999; i++)
		netstring_put(&list, SLICE("a@far.test"));
	buf_clear(&wire);
	buf_text(&wire, "2:\nx,1:s,");
	netstring_put(&wire, buf_slice(&list));
	client_push(&c, buf_slice(&wire), 20);
	ok(queue.n_opened > 0 && queue.n_opened < 5,
	   "replies that nobody reads: %zu packages", queue.n_opened);
	client_close(&c);

	fresh(true);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	for (i = 9999; i < SESSION_RCPTS_HARD + 10; i++)
		netstring_put(&list, SLICE("a@far.test"));
	buf_clear(&wire);
	buf_text(&wire, "2:\nx,1:s,");
	netstring_put(&wire, buf_slice(&list));
	client_write(&c, buf_slice(&wire), 1 << 16);
	got(&c, "closed", "far too many recipients");
	client_close(&c);
	buf_free(&wire), buf_free(&list);
}

static void
qmtp_too_much(void)
{
	static char piece[1 << 16];
	struct buf wire = {0}, list = {0};
	struct client c;
	size_t i, size = SESSION_TEXT + 1;
	size_t k = 0, z = 0;
	const char *s;

	fresh(true);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	netstring_head_put(&wire, size + 1);
	buf_putc(&wire, '\n');
	client_write(&c, buf_slice(&wire), 100);
	for (i = 0; i < size; i += sizeof piece)
		client_write(&c,
			     slice_of(piece, size - i < sizeof piece
						 ? size - i
						 : sizeof piece),
			     sizeof piece);
	client_write(&c, SLICE(",1:s,8:1:a,1:b,,2:\nx,1:s,4:1:a,,"), 100);
	got(&c, "D 5.3.4, D 5.3.4, K, ", "too much text, and a next package");
	ok(queue.n_opened == 1, "none of it went to the queue");
	client_close(&c);

	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	for (i = 0; i < LIMIT_RCPTS + 2; i++)
		netstring_put(&list, SLICE("a@far.test"));
	buf_clear(&wire);
	buf_text(&wire, "2:\nx,1:s,");
	netstring_put(&wire, buf_slice(&list));
	client_write(&c, buf_slice(&wire), 1 << 16);
	client_hears(&c);
	for (s = replies(&c, false); *s; s++) {
		k += *s == 'K' && z == 0;
		z += strncmp(s, "Z 4.5.3", 7) == 0;
	}
	ok(k == LIMIT_RCPTS && z == 2, "too many recipients: %zu K, %zu Z", k,
	   z);
	client_close(&c);
	buf_free(&wire), buf_free(&list);
}

#define LIMITED_ATTRS(proto) ATTRS_FOR(proto, "203.0.113.1") "P(relay=1) "

/* What a line of access allows besides rights. */
static void
qmtp_limited(void)
{
	struct client c;

	fresh(true);
	connect_client(&c, &qmtpd.front.server, "203.0.113.1");
	client_write(&c,
		     SLICE("2:\nx,8:s@bad.te,8:1:a,1:b,,"
			   "2:\nx,9:s@OK.test,8:1:a,1:b,,"
			   "12:\n12345678901,9:s@ok.test,8:1:a,1:b,,"
			   "11:\n1234567890,0:,8:1:a,1:b,,"),
		     1000);
	got(&c, "D 5.7.1, D 5.7.1, K, K, D 5.3.4, D 5.3.4, K, K, ",
	    "a client's senders and sizes");
	told(
	    LIMITED_ATTRS("QMTP") "T(x) A " LIMITED_ATTRS(
		"QMTP") "T(x) S(s@OK.test) R(a) R(b) C " LIMITED_ATTRS("QMTP") "T(1234567890) S() R(a) R(b) C ",
	    "only what is allowed");
	client_close(&c);

	connect_client(&c, &qmtpd.front.server, "203.0.113.129");
	client_write(&c,
		     SLICE("2:\nx,1:s,8:1:a,1:b,,2:\nx,1:s,8:1:a,1:b,,"
			   "2:\nx,1:s,8:1:a,1:b,,"),
		     100);
	got(&c, "K, K, K, K, Z 4.7.0, Z 4.7.0, ", "a client's rate");
	client_close(&c);
	connect_client(&c, &qmtpd.front.server, "203.0.113.129");
	client_write(&c, SLICE("2:\nx,1:s,8:1:a,1:b,,"), 100);
	got(&c, "Z 4.7.0, Z 4.7.0, ", "a new connection does not help");
	client_close(&c);
	connect_client(&c, &qmtpd.front.server, "203.0.113.130");
	client_write(&c, SLICE("2:\nx,1:s,8:1:a,1:b,,"), 100);
	got(&c, "K, K, ", "another client has its own");
	client_close(&c);
}

/* More replies than are kept at once, one by one: with a budget, and without.
 */
static void
many_replies(size_t in_flight, size_t most)
{
	struct limits l = LIMITS_DEFAULT;
	struct buf wire = {0}, list = {0};
	struct client c;
	size_t i, held, n = 0;
	const char *s;

	l.in_flight = in_flight;
	server_limit(&qmtpd.front.server, &l);
	fresh(true);
	connect_client(&c, &qmtpd.front.server, "198.51.100.1");
	for (i = 0; i < 30000; i++)
		netstring_put(&list, i % 2 ? SLICE("a@far.test") : SLICE(""));
	buf_text(&wire, "2:\nx,1:s,");
	netstring_put(&wire, buf_slice(&list));
	client_push(&c, buf_slice(&wire), 1);
	rounds(600);
	held = qmtpd.front.server.budget.used;
	ok(held < most, "replies are made as they are read: %zu bytes", held);
	for (s = replies(&c, false); *s; s++)
		n += *s == 'D' || *s == 'Z';
	ok(n == 30000, "all come: %zu", n);
	ok(qmtpd.front.server.budget.used < BUDGET_SHARE,
	   "and nothing is kept: %zu", qmtpd.front.server.budget.used);
	client_close(&c);
	l = LIMITS_DEFAULT;
	server_limit(&qmtpd.front.server, &l);
	buf_free(&wire), buf_free(&list);
}

static void
qmtp_many_replies(void)
{
	many_replies(LIMIT_IN_FLIGHT,
		     30000 * 24 + 2 * SESSION_REPLIES_MAX + 65536);
	many_replies(1, 5 * BUDGET_SHARE);
}

static void
qmtp_spent(void)
{
	struct limits l = LIMITS_DEFAULT;
	struct buf wire = {0}, list = {0};
	struct client c;
	size_t i, z = 0;
	const char *s;

	l.in_flight = 1;
	server_limit(&qmtpd.front.server, &l);
	fresh(true);
	connect_client(&c, &qmtpd.front.server, "198.51.100.1");
	for (i = 0; i < 5000; i++)
		netstring_put(&list, i % 2 ? SLICE("a@far.test") : SLICE(""));
	buf_text(&wire, "2:\nx,1:s,");
	netstring_put(&wire, buf_slice(&list));
	client_write(&c, buf_slice(&wire), 1 << 16);
	rounds(150);
	for (s = replies(&c, false); *s; s++)
		z += strncmp(s, "Z 4.3.1", 7) == 0;
	ok(z > 4000 && z < 5000, "without budget: %zu recipients later", z);
	client_write(&c, SLICE("2:\nx,1:s,15:11:b@near.test,,"), 7);
	s = replies(&c, false);
	ok(strcmp(s + strlen(s) - 3, "K, ") == 0, "small ones are served");
	client_close(&c);
	fresh(false);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	for (i = 0; i < 3; i++)
		client_write(&c, SLICE("2:\nx,1:s,8:1:a,1:b,,"), 100);
	rounds(5);
	ok(queue.n_committed == 1, "one at a time");
	for (i = 0; i < 3; i++, rounds(3))
		queue_answer(queue.committed[i], "K");
	got(&c, "K, K, K, K, K, K, ", "but all");
	client_close(&c);
	l = LIMITS_DEFAULT;
	server_limit(&qmtpd.front.server, &l);
	buf_free(&wire), buf_free(&list);
}

/* A byte a minute, and so on: the clock is ours. */
static void
slow_drip(struct front *front, const char *begin, const char *wire)
{
	int64_t us = (clock_ms() + 1000) * 1000;
	struct client c;
	int i;

	fresh(true);
	clock_set_for_tests(us);
	connect_client(&c, &front->server, "192.0.2.1");
	client_write(&c, slice_text(begin), 100);
	for (i = 0; i < 10 && !c.closed; i++) {
		clock_set_for_tests(us += 60 * INT64_C(1000000));
		client_write(&c, slice_of(wire + i, 1), 1);
		clock_set_for_tests(us += 10000);
		rounds(2);
		client_read(&c);
	}
	ok(c.closed && i >= LIMIT_PROGRESS_S / 60 &&
	       i <= LIMIT_PROGRESS_S / 60 + 1,
	   "a byte a minute: %d minutes", i);
	client_close(&c);
	connect_client(&c, &front->server, "192.0.2.1");
	clock_set_for_tests(us += (LIMIT_IDLE_S - 1) * INT64_C(1000000));
	rounds(2), client_read(&c);
	ok(!c.closed, "idle, not too long");
	clock_set_for_tests(us += INT64_C(1100000));
	rounds(2), client_read(&c);
	ok(c.closed, "idle for too long");
	client_close(&c);
	clock_set_for_tests(0);
	rounds(2);
}

static void
qmtp_slow(void)
{
	slow_drip(&qmtpd.front, "1000000:\n", "aaaaaaaaaaaaaaa");
}

static void
qmqp_slow(void)
{
	slow_drip(&qmqpd.front, "1000009:1000000:", "aaaaaaaaaaaaaaa");
}

static void
qmqp_one(const char *address, struct slice inner, const char *reply,
	 const char *story, const char *what)
{
	struct buf wire = {0};
	struct client c;

	netstring_put(&wire, inner);
	fresh(true);
	connect_client(&c, &qmqpd.front.server, address);
	client_write(&c, buf_slice(&wire), 1 + inner.len / 3);
	got(&c, reply, what);
	told(story, what);
	client_close(&c);
	buf_free(&wire);
}

static void
qmqp_plain(void)
{
	static const char relay[] = "192.0.2.1";

	qmqp_one(relay, SLICE("5:a\r\n\0b,1:s,3:c@d,3:e@f,"), "K, closed",
		 QMQP_ATTRS "T(a\r\n", "two recipients");
	qmqp_one(relay, SLICE("0:,0:,3:c@d,"), "K, closed",
		 QMQP_ATTRS "T() S() R(c@d) C ", "an empty message");
	qmqp_one(relay, SLICE("1:x,1:s,"), "D 5.5.1, closed",
		 QMQP_ATTRS "T(x) S(s) A ", "no recipients");
	qmqp_one(relay, SLICE("1:x,1:s,1:a,3:b\0c,"), "D 5.1.3, closed",
		 QMQP_ATTRS "T(x) S(s) R(a) A ", "a recipient with NUL");
	qmqp_one(relay, SLICE("1:x,2:s\n,1:a,1:b,"), "D 5.1.7, closed",
		 QMQP_ATTRS "T(x) A ", "a sender with LF");
	qmqp_one("198.51.100.1", SLICE("1:x,1:s,11:b@near.test,"),
		 "Z 4.7.1, closed", "", "a stranger");
	qmqp_one(relay, SLICE("1:x,1:s,14:no@local.test,"), "closed",
		 QMQP_ATTRS "T(x) S(s) A ", "outer and inner don't agree");
	qmqp_one(relay, SLICE("1:x,1:s,13:no@local.test,"), "D 5.1.1, closed",
		 QMQP_ATTRS "T(x) S(s) R(no@local.test) A ",
		 "nobody of that name here");
	qmqp_one(relay, SLICE("1:x,1:s,13:no@local.test,3:a@b,"), "K, closed",
		 QMQP_ATTRS "T(x) S(s) R(no@local.test) R(a@b) C ",
		 "nobody of that name, and another");
}

static void
qmqp_limited(void)
{
	static const char limited[] = "203.0.113.1", rated[] = "203.0.113.131";
	static const char story[] =
	    ATTRS_FOR("QMQP", "203.0.113.131") "P(relay=1) "
					       "T(x) S(s) R(a) R(b) C ";

	qmqp_one(limited, SLICE("1:x,5:s@bad,1:a,1:b,"), "D 5.7.1, closed",
		 LIMITED_ATTRS("QMQP") "T(x) A ", "a sender not allowed");
	qmqp_one(limited, SLICE("11:12345678901,0:,1:a,1:b,"),
		 "D 5.3.4, closed", "", "too large for this client");
	qmqp_one(limited, SLICE("1:x,9:s@ok.test,1:a,1:b,"), "K, closed",
		 LIMITED_ATTRS("QMQP") "T(x) S(s@ok.test) R(a) R(b) C ",
		 "what it may");
	qmqp_one(rated, SLICE("1:x,1:s,1:a,1:b,"), "K, closed", story,
		 "within its rate");
	qmqp_one(rated, SLICE("1:x,1:s,1:a,1:b,"), "K, closed", story,
		 "within its rate");
	qmqp_one(rated, SLICE("1:x,1:s,1:a,1:b,"), "Z 4.7.0, closed", "",
		 "too much");
}

/* TERM: what is idle ends, what has begun is finished. */
static void
qmqp_drains(void)
{
	struct client idle, busy;

	fresh(true);
	connect_client(&idle, &qmqpd.front.server, "192.0.2.1");
	connect_client(&busy, &qmqpd.front.server, "192.0.2.1");
	client_write(&busy, SLICE("16:1:x,1:s,1:a,"), 100);
	qmqpd_stop(&qmqpd);
	got(&idle, "closed", "stopping: an idle one is closed");
	ok(!front_stopped(&qmqpd.front), "but not all");
	client_write(&busy, SLICE("1:b,,"), 1);
	got(&busy, "K, closed", "what has begun is finished");
	ok(front_stopped(&qmqpd.front), "and then it is over");
	client_close(&idle), client_close(&busy);

	fresh(true);
	connect_client(&busy, &qmqpd.front.server, "192.0.2.1");
	client_write(&busy, SLICE("16:1:x,1:s,1:a,1:b,,more"), 100);
	qmqpd_stop(&qmqpd);
	got(&busy, "K, closed", "one that sends more than its package");
	ok(!front_stopped(&qmqpd.front), "it may still have to read");
	client_close(&busy);
	ok(front_stopped(&qmqpd.front), "and then that is over too");
}

static void
qmtp_drains(void)
{
	struct client idle, busy;

	fresh(true);
	connect_client(&idle, &qmtpd.front.server, "192.0.2.1");
	connect_client(&busy, &qmtpd.front.server, "192.0.2.1");
	client_write(&busy, SLICE("2:\nx,1:s,8:1:a,"), 100);
	qmtpd_stop(&qmtpd);
	got(&idle, "closed", "stopping: an idle one is closed");
	ok(!front_stopped(&qmtpd.front), "but not all");
	client_write(&busy, SLICE("1:b,,2:\ny,1:s,8:1:a,1:b,,"), 100);
	got(&busy, "K, K, closed",
	    "what has begun is finished, and nothing new taken");
	ok(!front_stopped(&qmtpd.front), "its client may still have to read");
	client_close(&idle), client_close(&busy);
	ok(front_stopped(&qmtpd.front), "and then it is over");
}

static void
qmqp_ends(void)
{
	struct client c;

	fresh(false);
	connect_client(&c, &qmqpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("15:1:x,1:s,1:a,"), 100);
	shutdown(c.fd, SHUT_WR);
	got(&c, "closed", "EOF inside the package");
	told(QMQP_ATTRS "T(x) S(s) R(a) A ", "abandoned");
	client_close(&c);

	fresh(false);
	connect_client(&c, &qmqpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("12:1:x,1:s,1:a,,"), 100);
	shutdown(c.fd, SHUT_WR);
	got(&c, "", "EOF behind it: the queue is waited for");
	queue_answer(queue.committed[0], "Zfull (#4.3.1)");
	got(&c, "Z 4.3.1, closed", "its verdict");
	client_close(&c);

	fresh(false);
	connect_client(&c, &qmqpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("12:1:x,1:s,"), 100);
	queue_close();
	got(&c, "", "the queue goes away in the middle");
	client_write(&c, SLICE("1:a,,"), 100);
	got(&c, "Z 4.3.0, closed", "the reply comes at the end");
	client_close(&c);
	connect_client(&c, &qmqpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("12:1:x,1:s,1:a,,"), 100);
	got(&c, "Z 4.3.0, closed", "the queue is away");
	client_close(&c);
	queue_open();
	usleep(DOOR_RETRY_MS * 1000);
	rounds(3);
	ok(qmqpd.front.server.n_sessions == 0, "no session is left");
}

static void
table(const char *name, const char *lines)
{
	FILE *f = fopen(name, "w");

	if (!f || fputs(lines, f) < 0 || fclose(f) != 0)
		ok(false, "writing %s", name);
}

#define ACCESS                                                                 \
	"192.0.2.0/24 relay\n"                                                 \
	"203.0.113.0/25 relay senders=ok.test size=10\n"                       \
	"203.0.113.128/25 relay rate=2/h\n"

static void
build(void)
{
	struct report report;
	enum build_result result;

	report_init(&report);
	result = config_build(".", &report);
	ok_quiet(result == BUILD_DONE, "the tables: %.*s",
		 (int)report.errors.text.len,
		 buf_slice(&report.errors.text).at);
	report_free(&report);
}

/* Other rights, and a daemon that has them. */
static void
access_is(const char *lines, struct config *config)
{
	struct buf why = {0};

	table("access", lines);
	build();
	ok_quiet(config_refresh(config, &why) == 1, "they are taken up");
	buf_free(&why);
}

static void
qmtp_rights(void)
{
	static const char far[] = "3:\nx\n,1:s,8:5:a@far,,";
	struct config *config = &qmtpd.config;
	struct client c, d;

	fresh(true);
	connect_client(&c, &qmtpd.front.server, "192.0.2.1");
	connect_client(&d, &qmtpd.front.server, "198.51.100.1");
	client_write(&c, SLICE(far), 100);
	client_write(&d, SLICE(far), 100);
	got(&c, "K, ", "rights: it has one");
	got(&d, "D 5.7.1, ", "rights: it has none");
	access_is("198.51.100.0/24 relay\n", config);
	client_write(&c, SLICE(far), 100);
	client_write(&d, SLICE(far), 100);
	got(&c, "K, D 5.7.1, ", "rights: it has lost it");
	got(&d, "D 5.7.1, K, ", "rights: it has one now");
	access_is("192.0.2.0/24 relay size=1\n", config);
	client_write(&c, SLICE(far), 100);
	got(&c, "K, D 5.7.1, D 5.3.4, ", "rights: a smaller limit");
	client_close(&c), client_close(&d);
	access_is(ACCESS, config);
}

static void
qmqp_rights(void)
{
	struct client c;

	fresh(true);
	connect_client(&c, &qmqpd.front.server, "192.0.2.1");
	client_write(&c, SLICE("16:1:"), 100);
	access_is("198.51.100.0/24 relay\n", &qmqpd.config);
	client_write(&c, SLICE("x,1:s,1:a,1:b,,"), 100);
	got(&c, "K, closed", "rights: of what has begun they stay");
	client_close(&c);
	access_is(ACCESS, &qmqpd.config);
	connect_client(&c, &qmqpd.front.server, "192.0.2.1");
	access_is("198.51.100.0/24 relay\n", &qmqpd.config);
	client_write(&c, SLICE("16:1:x,1:s,1:a,1:b,,"), 100);
	got(&c, "Z 4.7.1, closed", "rights: it has lost it");
	client_close(&c);
	access_is(ACCESS, &qmqpd.config);
}

/* The stranger connected first. */
static bool
guests_turn_last(const struct front *f)
{
	struct link *a = list_first(&f->sessions);
	struct link *b = list_next(&f->sessions, a);

	return !OWNER(a, struct front_session, all)->conn.turn.first &&
	       OWNER(b, struct front_session, all)->conn.turn.first;
}

static void
guests(struct front *f)
{
	struct server *server = &f->server;
	struct client stranger, other;

	connect_client(&stranger, server, "198.51.100.1");
	connect_client(&other, server, "192.0.2.1");
	ok(!server_make_room(server, false, false),
	   "nobody has been idle for long");
	ok(guests_turn_last(f), "their handshakes come last");
	ok(server_make_room(server, false, true), "who has a right gets room");
	rounds(2);
	client_read(&stranger);
	client_read(&other);
	ok(stranger.closed && !other.closed, "that of a stranger");
	ok(!server_make_room(server, false, true),
	   "who has a right himself keeps his place");
	client_close(&stranger);
	client_close(&other);
	ok(server->n_sessions == 0, "none is left: %zu", server->n_sessions);
}

/* How many tiny packages does one round answer? */
static unsigned
in_a_round(const char *address)
{
	struct buf wire = {0};
	struct client c;
	unsigned n = 0;
	const char *s;
	int i;

	connect_client(&c, &qmtpd.front.server, address);
	for (i = 0; i < 200; i++)
		buf_text(&wire, "1:\n,0:,8:5:a@x.y,,");
	if (send(c.fd, buf_slice(&wire).at, wire.len, 0) != (ssize_t)wire.len)
		abort();
	rounds(1);
	client_read(&c);
	for (i = 0; (size_t)i < c.got.len; i++)
		n += buf_slice(&c.got).at[i] == ',';
	s = replies(&c, false);
	ok(strlen(s) == 200 * strlen("D 5.7.1, "), "%s: all are answered",
	   address);
	client_close(&c);
	buf_free(&wire);
	return n;
}

static void
qmtp_turns(void)
{
	unsigned n;

	fresh(true);
	n = in_a_round("198.51.100.1");
	ok(n > 0 && n <= FRONT_WORK / (FRONT_WORK_PACKAGE + 1),
	   "packages of a stranger in a round: %u", n);
	qmtpd.front.work = (struct front_work){loop.n_rounds + 1, 1000};
	n = in_a_round("198.51.100.1");
	ok(n <= 1, "when others have had much: %u", n);
}

static void
qmqp_turns(void)
{
	struct buf list = {0}, wire = {0};
	struct client c;
	int i, n;

	fresh(true);
	for (i = 0; i < 1000; i++)
		buf_text(&list, "1:a,");
	buf_text(&wire, "4008:1:x,1:s,");
	buf_puts(&wire, buf_slice(&list));
	buf_putc(&wire, ',');
	connect_client(&c, &qmqpd.front.server, "198.51.100.1");
	client_push(&c, buf_slice(&wire), 1);
	for (n = 1; n < 100 && c.got.len == 0; n++) {
		rounds(1);
		client_read(&c);
	}
	ok(n >= 1000 / FRONT_WORK && n < 50,
	   "1,000 recipients of a stranger: %d rounds", n);
	client_close(&c);
	buf_free(&list), buf_free(&wire);
}

static void
qmtp_guests(void)
{
	guests(&qmtpd.front);
}

static void
qmqp_guests(void)
{
	guests(&qmqpd.front);
}

static void
tables(char *dir)
{
	if (!mkdtemp(dir) || chdir(dir) != 0 || mkdir("run", 0700) != 0)
		exit(111);
	table("me", "hub.test\n");
	table("listen", "qmtp 127.0.0.1:1\nqmqp 127.0.0.1:2\n");
	table("access", ACCESS);
	table("rcpthosts", "near.test\n");
	table("locals", "local.test\n");
	table("users", "yes@local.test maildir:m/yes\n");
	table("routes", "* hold\n");
	build();
}

static void
with_front(struct front *front, const char *proto,
	   void (*accepted)(struct server *, int, const struct endpoint *),
	   void (*const *tests)(void))
{
	front_init(front, &loop, proto, door_path, "test", 1000, accepted);
	rounds(5);
	for (; *tests; tests++)
		(*tests)();
	door_close(&front->door);
	front_free(front);
	rounds(3);
}

int
main(void)
{
	static void (*const qmtp[])(void) = {
	    qmtp_plain,	  qmtp_order,	     qmtp_refusals,
	    qmtp_ends,	  qmtp_window,	     qmtp_back_pressure,
	    qmtp_bounds,  qmtp_too_much,     qmtp_queue_away,
	    qmtp_limited, qmtp_many_replies, qmtp_spent,
	    qmtp_slow,	  qmtp_rights,	     qmtp_guests,
	    qmtp_turns,	  qmtp_drains,	     NULL};
	static void (*const qmqp[])(void) = {
	    qmqp_plain,	 qmqp_ends,   qmqp_back_pressure, qmqp_limited,
	    qmqp_slow,	 qmqp_rights, qmqp_guests,	  qmqp_turns,
	    qmqp_drains, NULL};
	char dir[] = "/tmp/quail-front-XXXXXX", command[64];

	tables(dir);
	loop_init(&loop);
	queue_open();
	config_open_or_die(&qmtpd.config, "config.cdb");
	config_open_or_die(&qmqpd.config, "config.cdb");
	runs();
	with_front(&qmtpd.front, "QMTP", qmtpd_accepted, qmtp);
	with_front(&qmqpd.front, "QMQP", qmqpd_accepted, qmqp);
	config_close(&qmtpd.config);
	config_close(&qmqpd.config);
	queue_close();
	buf_free(&queue.story);
	loop_free(&loop);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) == 0 ? tap_done() : 1;
}
