/* conn_test - connections and servers against a peer that does its worst */
#include "lib/conn.h"

#include "lib/clock.h"
#include "lib/endpoint.h"
#include "lib/linger.h"
#include "lib/owner.h"
#include "lib/server.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static struct loop loop;
static struct buf story;

/* What the session does when an event comes. */
struct session {
	struct conn conn;
	bool take;    /* takes all input; else it leaves it */
	bool pause;   /* pauses at input */
	size_t leave; /* takes all but so much */
	bool one;     /* takes a byte, and yields if there are more */
	int next;     /* closes at input, and goes on with this */
	bool free_at[CONN_BROKEN + 1];
	bool close_at_broken;
	struct buf got;
};

static const char *const names[] = {"open",    "input",	  "eof",
				    "drained", "timeout", "broken"};

static bool
told_either(const char *what, const char * or)
{
	struct slice s = buf_slice(&story);
	bool same =
	    slice_eq(s, slice_text(what)) || slice_eq(s, slice_text(or));

	if (!same)
		fprintf(stderr, "# told: %.*s\n# not:  %s\n", (int)s.len, s.at,
			what);
	buf_free(&story);
	return same;
}

static bool
told(const char *what)
{
	return told_either(what, what);
}

static void
free_session(struct session *s)
{
	conn_close(&s->conn);
	conn_close(&s->conn); /* legal twice */
	buf_free(&s->got);
	free(s);
}

static void
on(struct conn *c, enum conn_event event)
{
	struct session *s = OWNER(c, struct session, conn);

	buf_text(&story, names[event]);
	if (event == CONN_BROKEN && c->error)
		buf_text(&story, c->error == ECONNRESET	    ? ":reset"
				 : c->error == ECONNREFUSED ? ":refused"
				 : c->error == EPIPE	    ? ":pipe"
							    : ":other");
	buf_putc(&story, ' ');
	if (s->free_at[event]) {
		free_session(s);
		return;
	}
	if (event == CONN_INPUT && s->next > 0) {
		conn_close(c);
		conn_open_take(c, &loop, s->next, on);
		s->next = 0;
		return;
	}
	if (event == CONN_INPUT && s->take && c->in.len > s->leave) {
		size_t n = c->in.len - s->leave;

		buf_put(&s->got, buf_slice(&c->in).at, n);
		conn_take(c, n);
	}
	if (event == CONN_INPUT && s->one) {
		buf_put(&s->got, buf_slice(&c->in).at, 1);
		conn_take(c, 1);
		if (c->in.len > 0)
			conn_yield(c);
	}
	if (event == CONN_INPUT && s->pause)
		conn_pause(c);
}

static int
pair(int *peer)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	*peer = fds[1];
	return fds[0];
}

static struct session *
open_session(int *peer)
{
	struct session *s = calloc(1, sizeof *s);

	s->take = true;
	conn_open_take(&s->conn, &loop, pair(peer), on);
	return s;
}

static void
send_all(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
}

static void
rounds(unsigned n)
{
	while (n-- > 0)
		loop_round(&loop, 0);
}

/* Does the loop sleep when there is nothing to do? */
static bool
sleeps(void)
{
	int64_t from = clock_ms();

	loop_round(&loop, 30);
	return clock_ms() - from >= 25;
}

/* Others have their turn in between, and what comes later comes later. */
static void
test_yield(void)
{
	int peer;
	struct session *s = open_session(&peer);

	s->take = false, s->one = true;
	send_all(peer, "abc");
	rounds(1);
	send_all(peer, "d");
	ok(told("input ") && s->got.len == 1, "one turn a round");
	rounds(1);
	ok(told("input ") && s->got.len == 2, "the next one goes on");
	rounds(2);
	ok(told("input input ") && slice_eq(buf_slice(&s->got), SLICE("abcd")),
	   "then what came meanwhile");
	ok(sleeps(), "then there is nothing to do");
	send_all(peer, "ef");
	rounds(1);
	s->pause = true;
	rounds(3);
	s->pause = false;
	conn_pause(&s->conn);
	send_all(peer, "gh");
	rounds(3);
	ok(told("input input ") && s->got.len == 6, "who paused hears nothing");
	conn_resume(&s->conn);
	rounds(4);
	ok(told("input input ") && s->got.len == 8, "until it goes on");
	send_all(peer, "ij");
	rounds(1);
	close(peer);
	rounds(3);
	ok(told("input input eof "), "the end comes last");
	free_session(s);
	s = open_session(&peer);
	s->take = false, s->one = true;
	send_all(peer, "ab");
	rounds(1);
	free_session(s);
	rounds(2);
	ok(told("input "), "who is gone is not told");
	close(peer);
}

static void
test_every_cut(void)
{
	static const char text[] = "8:a@b.test,8:c@d.test,";
	bool good = true;
	size_t cut;

	for (cut = 0; cut <= sizeof text - 1; cut++) {
		int peer;
		struct session *s = open_session(&peer);
		char first[sizeof text];

		memcpy(first, text, cut);
		first[cut] = 0;
		if (cut > 0)
			send_all(peer, first);
		rounds(2);
		if (text[cut])
			send_all(peer, text + cut);
		close(peer);
		rounds(3);
		good &= ok_quiet(
		    slice_eq(buf_slice(&s->got), slice_text(text)) &&
			told(cut == 0 || !text[cut] ? "input eof "
						    : "input input eof "),
		    "cut at %zu", cut);
		free_session(s);
	}
	ok(good, "every cut of the input, then the end");
}

static void
test_idle(void)
{
	int peer;
	struct session *s = open_session(&peer);

	send_all(peer, "ping");
	conn_put(&s->conn, SLICE("pong"));
	rounds(2);
	ok(s->conn.in.mem == NULL && s->conn.out.mem == NULL,
	   "an idle connection holds no buffers");
	ok(sleeps(), "and costs no time");
	told("");
	free_session(s);
	close(peer);
}

static void
test_pause(void)
{
	int peer;
	struct session *s = open_session(&peer);

	s->take = false;
	s->pause = true;
	send_all(peer, "one");
	rounds(2);
	send_all(peer, "two");
	rounds(2);
	ok(told("input ") && s->conn.in.len == 3, "paused at the first input");
	ok(sleeps(), "the second waits, and nobody spins");
	s->take = true;
	conn_resume(&s->conn);
	ok(told(""), "resume calls nothing at once");
	s->pause = false;
	rounds(2);
	ok(told("input input ") &&
	       slice_eq(buf_slice(&s->got), SLICE("onetwo")),
	   "then what was there is told again, and the rest comes");
	rounds(2);
	ok(told(""), "once");
	conn_pause(&s->conn);
	conn_resume(&s->conn);
	rounds(2);
	ok(told(""), "nothing is told where nothing waits");
	free_session(s);
	close(peer);
}

/* What one leaves is his own, whatever comes for others. */
static void
test_leave(void)
{
	int peers[2], third;
	struct session *a = open_session(&peers[0]);
	struct session *b = open_session(&peers[1]);

	a->leave = 3;
	send_all(peers[0], "abcdef");
	rounds(2);
	send_all(peers[1], "nothing of his");
	rounds(2);
	ok(slice_eq(buf_slice(&a->got), SLICE("abc")) &&
	       slice_eq(buf_slice(&a->conn.in), SLICE("def")) &&
	       b->conn.in.mem == NULL,
	   "what is not taken stays");
	a->leave = 1;
	send_all(peers[0], "gh");
	rounds(2);
	ok(slice_eq(buf_slice(&a->got), SLICE("abcdefg")) &&
	       slice_eq(buf_slice(&a->conn.in), SLICE("h")),
	   "and what comes goes behind it");
	free_session(a);
	b->next = pair(&third);
	send_all(peers[1], "the last");
	rounds(2);
	send_all(third, "the first");
	rounds(2);
	ok(slice_eq(buf_slice(&b->got), SLICE("nothing of histhe first")),
	   "closed and opened anew at input");
	buf_free(&story);
	free_session(b);
	close(peers[0]), close(peers[1]), close(third);
}

/* Pieces of many sizes, of which much or little is left each time: every
 * byte comes, in order, and a little that is left holds little memory. */
static void
test_leave_much(void)
{
	static const size_t leaves[] = {0,     1,	  100,	     5000,
					60000, 66 * 1024, 67 * 1024, 150000};
	static char piece[100000];
	uint8_t next_in = 0, next_out = 0;
	bool good = true, small = true;
	size_t i, j;
	int peer;
	struct session *s = open_session(&peer);

	for (i = 0; i < 64; i++) {
		size_t n = i % 3 == 0 ? 7 : i % 3 == 1 ? 3000 : sizeof piece;

		s->leave = leaves[i * 5 % 8];
		for (j = 0; j < n; j++)
			piece[j] = (char)next_in++;
		good = good && write(peer, piece, n) == (ssize_t)n;
		rounds(2);
		if (s->conn.in.len <= 60000 && n == sizeof piece)
			small &= s->conn.in.cap <= 60000;
		for (j = 0; j < s->got.len; j++)
			good &= (uint8_t)buf_slice(&s->got).at[j] == next_out++;
		buf_free(&s->got);
	}
	for (j = 0; j < s->conn.in.len; j++)
		good &= (uint8_t)buf_slice(&s->conn.in).at[j] == next_out++;
	ok(good && next_in == next_out, "much or little is left");
	ok(small, "... in no more memory than that");
	buf_free(&story);
	free_session(s);
	close(peer);
}

/* The peer sends and goes while the session is paused. */
static void
test_pause_end(bool with_rest)
{
	int peer;
	struct session *s = open_session(&peer);

	s->take = false;
	s->pause = true;
	send_all(peer, "one");
	rounds(2);
	if (with_rest)
		send_all(peer, "two");
	close(peer);
	rounds(2);
	ok(told("input ") && sleeps(),
	   "paused: the peer's end is not told, and nobody spins");
	s->take = true;
	s->pause = false;
	conn_resume(&s->conn);
	rounds(3);
	ok(told(with_rest ? "input input eof " : "input eof ") &&
	       slice_eq(buf_slice(&s->got),
			with_rest ? SLICE("onetwo") : SLICE("one")),
	   "resumed: every byte, then the end");
	ok(sleeps() && told(""), "after the end nobody spins");
	conn_put(&s->conn, SLICE("too late"));
	rounds(1);
	ok(told("broken:pipe "), "writing to a peer that is gone");
	free_session(s);
}

static size_t
drain(int fd, struct buf *to)
{
	static char room[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, room, sizeof room)) > 0) {
		all += (size_t)n;
		if (to)
			buf_put(to, room, (size_t)n);
	}
	return all;
}

static void
put_much(struct conn *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += 8) {
		char number[9];

		snprintf(number, sizeof number, "%07zu\n", i / 8 % 10000000);
		buf_put(&c->out, number, 8);
	}
	conn_flush_later(c);
}

static bool
much_is_right(const struct buf *b, size_t n)
{
	bool right = b->len == n;
	size_t i;

	for (i = 0; right && i < n; i += 8) {
		char number[9];

		snprintf(number, sizeof number, "%07zu\n", i / 8 % 10000000);
		right = !memcmp(b->mem + b->off + i, number, 8);
	}
	return right;
}

enum { MUCH = 4 * 1024 * 1024 };

static void
test_slow_reader(void)
{
	int peer;
	struct session *s = open_session(&peer);
	struct buf all = {0};

	put_much(&s->conn, MUCH);
	s->conn.tell_drained = true;
	rounds(3);
	ok(told("") && s->conn.out.len > 0 && sleeps(),
	   "the reader does not read: we wait, and nobody spins");
	while (drain(peer, &all) > 0)
		rounds(1);
	ok(told("drained ") && much_is_right(&all, MUCH),
	   "all of it comes, then drained is told once");
	conn_put(&s->conn, SLICE("x"));
	rounds(2);
	ok(told(""), "and not again unasked");
	buf_free(&all);
	free_session(s);
	close(peer);
}

/* conn_resume's promise holds when CONN_DRAINED comes in the same round. */
static void
test_drained_and_resumed(void)
{
	int peer;
	struct session *s = open_session(&peer);

	s->take = false;
	s->pause = true;
	send_all(peer, "one");
	rounds(2);
	told("input ");
	s->take = true;
	s->conn.tell_drained = true;
	conn_put(&s->conn, SLICE("x"));
	conn_resume(&s->conn);
	rounds(3);
	ok(told("drained input "), "drained and resumed: both are told");
	free_session(s);
	close(peer);
}

static void
test_finish(void)
{
	int peer;
	struct session *s = open_session(&peer);
	struct buf all = {0};

	put_much(&s->conn, MUCH);
	conn_finish(&s->conn);
	send_all(peer, "is not read any more");
	rounds(3);
	ok(told(""), "finish waits for the reader");
	while (drain(peer, &all) > 0)
		rounds(1);
	ok(told("broken ") && s->conn.error == 0 && much_is_right(&all, MUCH),
	   "everything is written, then broken without an error");
	rounds(2);
	ok(told(""), "once");
	free_session(s);
	buf_free(&all);
	close(peer);

	s = open_session(&peer);
	conn_finish(&s->conn);
	rounds(1);
	ok(told("broken "), "with nothing to write at once");
	free_session(s);
	close(peer);

	s = open_session(&peer);
	put_much(&s->conn, MUCH);
	conn_finish(&s->conn);
	conn_timeout(&s->conn, 10);
	rounds(1);
	loop_round(&loop, 1000);
	ok(told("timeout "), "a reader that never reads: the time-out");
	close(peer);
	rounds(2);
	ok(told("broken:pipe ") || s->conn.error == ECONNRESET, "or goes away");
	buf_free(&story);
	free_session(s);
}

/* What conn_finish leaves behind: n sockets that linger. */
static void
ends(struct session *s, int peer, size_t n, const char *what)
{
	struct buf all = {0};

	rounds(1);
	ok(told("broken ") && s->conn.error == 0, "%s", what);
	free_session(s);
	ok(linger_n() == n, "%zu linger", n);
	drain(peer, &all);
	ok(slice_eq(buf_slice(&all), SLICE("bye")), "and the reply is there");
	ok(recv(peer, &(char){0}, 1, MSG_DONTWAIT) == 0, "and its end");
	buf_free(&all);
	close(peer);
	rounds(2);
	ok(linger_n() == 0, "until the peer closes");
}

static void
test_heard_all(void)
{
	int peer;
	struct session *s = open_session(&peer);

	conn_put(&s->conn, SLICE("bye"));
	conn_finish(&s->conn);
	ends(s, peer, 1, "who may say more is listened to");

	s = open_session(&peer);
	s->conn.heard_all = true;
	conn_put(&s->conn, SLICE("bye"));
	conn_finish(&s->conn);
	ends(s, peer, 0, "who has said all is not");

	s = open_session(&peer);
	s->conn.heard_all = true;
	send_all(peer, "more");
	rounds(2);
	ok(told("input "), "but he says more");
	conn_put(&s->conn, SLICE("bye"));
	conn_finish(&s->conn);
	ends(s, peer, 1, "and is listened to");
}

static void
test_reuse(void)
{
	int peer, other;
	struct session *s = open_session(&peer);

	close(peer);
	rounds(2);
	ok(told("eof "), "the peer has ended");
	s->conn.tell_drained = true;
	conn_finish(&s->conn);
	conn_close(&s->conn);
	conn_put(&s->conn, SLICE("nobody"));
	conn_flush_later(&s->conn);
	conn_pause(&s->conn);
	conn_resume(&s->conn);
	conn_timeout(&s->conn, 0);
	rounds(2);
	ok(told("") && s->conn.out.len == 0, "a closed one stays silent");
	buf_text(&s->conn.out, "left over");
	conn_open_take(&s->conn, &loop, pair(&other), on);
	send_all(other, "anew");
	rounds(2);
	ok(told("input ") && slice_eq(buf_slice(&s->got), SLICE("anew")) &&
	       drain(other, NULL) == 0,
	   "the same struct can be opened again and knows nothing of before");
	free_session(s);
	close(other);
}

static void
test_timeout(void)
{
	int peer;
	struct session *s = open_session(&peer);

	conn_timeout(&s->conn, 5);
	loop_round(&loop, 1000);
	ok(told("timeout ") && sleeps(), "time-out, once");
	conn_timeout(&s->conn, 5);
	conn_timeout(&s->conn, 0);
	ok(sleeps() && told(""), "taken back");
	conn_timeout(&s->conn, 10);
	conn_put(&s->conn, SLICE("x"));
	close(peer);
	rounds(2);
	ok(s->conn.error || s->conn.eof, "broken or ended");
	buf_free(&story);
	if (s->conn.error) {
		sleeps();
		ok(told(""), "no time-out after broken");
	}
	free_session(s);
}

/* TCP */

static int
listen_somewhere(struct endpoint *e)
{
	int fd;

	endpoint_parse(e, SLICE("127.0.0.1"), 0);
	fd = endpoint_listen(e);
	if (fd < 0 || getsockname(fd, &e->a.any, &e->len) != 0)
		abort();
	return fd;
}

static void
close_rudely(int fd)
{
	struct linger now = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

static struct session *
connect_session(const struct endpoint *e)
{
	struct session *s = calloc(1, sizeof *s);
	int fd = endpoint_connect(e);

	if (fd < 0)
		abort();
	s->take = true;
	conn_connect_take(&s->conn, &loop, fd, on);
	return s;
}

static void
test_connect(void)
{
	struct endpoint e, peer;
	int listener = listen_somewhere(&e), fd;
	struct session *s = connect_session(&e);
	struct buf got = {0};

	conn_put(&s->conn, SLICE("early"));
	loop_round(&loop, 1000);
	rounds(1);
	ok(told("open "), "connected");
	fd = socket_accept(listener, &peer);
	drain(fd, &got);
	ok(fd >= 0 && slice_eq(buf_slice(&got), SLICE("early")),
	   "what was put before goes out");
	conn_timeout(&s->conn, 20);
	close_rudely(fd);
	loop_round(&loop, 1000);
	ok(told("broken:reset "), "the peer resets the connection");
	ok(sleeps() && told(""), "and nothing comes after that");
	free_session(s);

	s = connect_session(&e);
	loop_round(&loop, 1000);
	fd = socket_accept(listener, &peer);
	conn_pause(&s->conn);
	send_all(fd, "x");
	close_rudely(fd);
	rounds(2);
	ok(told("open ") && sleeps(), "reset while paused: nobody spins");
	conn_resume(&s->conn);
	rounds(2);
	ok(told_either("broken:reset ", "input broken:reset "),
	   "and it is told afterwards");
	free_session(s);

	close(listener);
	s = connect_session(&e);
	conn_put(&s->conn, SLICE("nobody"));
	loop_round(&loop, 1000);
	rounds(2);
	ok(told("broken:refused "), "connection refused, and nothing else");
	free_session(s);
	buf_free(&got);
}

/* In each event the session frees all; the sanitizer watches. */

static void
test_free_at_input(void)
{
	int peer;
	struct session *s = open_session(&peer);

	s->free_at[CONN_INPUT] = true;
	conn_timeout(&s->conn, 1000);
	conn_put(&s->conn, SLICE("x"));
	send_all(peer, "x");
	close(peer);
	rounds(3);
	ok(told("input "), "freed at input");

	s = open_session(&peer);
	s->free_at[CONN_EOF] = true;
	close(peer);
	rounds(3);
	ok(told("eof "), "freed at eof");

	s = open_session(&peer); /* told again after a pause */
	s->take = false;
	s->pause = true;
	send_all(peer, "x");
	rounds(2);
	s->free_at[CONN_INPUT] = true;
	conn_put(&s->conn, SLICE("x"));
	conn_resume(&s->conn);
	rounds(3);
	ok(told("input input "), "freed at input told again");
	close(peer);
}

static void
test_free_at_output(void)
{
	int peer;
	struct session *s = open_session(&peer);

	s->free_at[CONN_DRAINED] = true;
	s->conn.tell_drained = true;
	conn_put(&s->conn, SLICE("x"));
	send_all(peer, "x");
	s->conn.again = true; /* as if resumed as well */
	rounds(3);
	ok(told("drained "), "freed at drained, from a task");
	close(peer);

	s = open_session(&peer);
	s->free_at[CONN_DRAINED] = true;
	put_much(&s->conn, MUCH);
	s->conn.tell_drained = true;
	rounds(1);
	send_all(peer, "x");
	s->take = false;
	conn_pause(&s->conn);
	while (drain(peer, NULL) > 0)
		rounds(1);
	ok(told("drained "), "freed at drained, from the descriptor");
	close(peer);

	s = open_session(&peer);
	s->free_at[CONN_BROKEN] = true;
	conn_put(&s->conn, SLICE("x"));
	conn_finish(&s->conn);
	rounds(3);
	ok(told("broken "), "freed at the end of finish");
	close(peer);

	s = open_session(&peer);
	s->free_at[CONN_BROKEN] = true;
	conn_timeout(&s->conn, 1000);
	close(peer);
	conn_put(&s->conn, SLICE("x"));
	rounds(3);
	ok(told_either("eof broken:pipe ", "broken:pipe "), "freed at broken");
}

static void
test_free_at_others(void)
{
	struct endpoint e;
	int peer, listener = listen_somewhere(&e);
	struct session *s = open_session(&peer);

	s->free_at[CONN_TIMEOUT] = true;
	conn_timeout(&s->conn, 1);
	loop_round(&loop, 1000);
	loop_round(&loop, 5);
	ok(told("timeout ") && loop.n_timers == 0, "freed at time-out");
	close(peer);

	s = connect_session(&e);
	s->free_at[CONN_OPEN] = true;
	conn_put(&s->conn, SLICE("x"));
	loop_round(&loop, 1000);
	rounds(3);
	ok(told("open "), "freed at open");
	close(listener);

	s = connect_session(&e);
	s->free_at[CONN_BROKEN] = true;
	conn_timeout(&s->conn, 1000);
	loop_round(&loop, 1000);
	rounds(3);
	ok(told("broken:refused ") && loop.n_timers == 0,
	   "freed at a refused connect");
}

/* servers */

enum { SESSIONS = 3, CLIENTS = 8 };

static int accepted_fds[CLIENTS * 4];
static size_t n_accepted;

static void
accepted(struct server *s, int fd, const struct endpoint *peer)
{
	(void)s;
	(void)peer;
	accepted_fds[n_accepted++] = fd;
}

static void
test_server(void)
{
	char path[64];
	struct server server;
	int clients[CLIENTS];
	size_t i;

	snprintf(path, sizeof path, "/tmp/quail-conn-test.%d", (int)getpid());
	server_init(&server, &loop, "test", SESSIONS, accepted);
	server_listen_unix(&server, path, 0600);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = unix_connect(path);
	rounds(3);
	ok(n_accepted == SESSIONS && server.n_sessions == SESSIONS,
	   "no more sessions than allowed");
	ok(sleeps(), "nobody spins over those who wait");
	close(accepted_fds[0]);
	server_left(&server);
	rounds(2);
	ok(n_accepted == SESSIONS + 1, "one leaves, one more comes in");
	for (i = 1; i < CLIENTS; i++) {
		close(accepted_fds[i]);
		server_left(&server);
		rounds(2);
	}
	ok(n_accepted == CLIENTS && server.n_sessions == 0,
	   "all have had their turn");
	ok(unix_listen(path, 0600) == -1 && errno == EADDRINUSE,
	   "a socket where somebody answers is not taken over");
	rounds(1);
	while (server.n_sessions > 0) {
		close(accepted_fds[--n_accepted]);
		server_left(&server);
	}
	server_stop(&server);
	rounds(1);
	ok(unix_connect(path) == -1, "stopped");
	i = (size_t)unix_listen(path, 0600);
	ok((int)i >= 0, "a stale one is");
	close((int)i);
	unlink(path);
	for (i = 0; i < CLIENTS; i++)
		close(clients[i]);
}

/* No descriptor is left when somebody knocks. */
static void
test_server_starved(void)
{
	char path[64];
	struct server server;
	struct rlimit was, few;
	int client, spare;

	n_accepted = 0;
	snprintf(path, sizeof path, "/tmp/quail-conn-test.%d", (int)getpid());
	server_init(&server, &loop, "test", SESSIONS, accepted);
	server_listen_unix(&server, path, 0600);
	client = unix_connect(path);
	spare = dup(0); /* the lowest free number */
	close(spare);
	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = (rlim_t)spare;
	setrlimit(RLIMIT_NOFILE, &few);
	rounds(3);
	ok(n_accepted == 0 && sleeps(),
	   "no descriptor for a new session: nobody spins");
	setrlimit(RLIMIT_NOFILE, &was);
	loop_round(&loop, SERVER_PAUSE_MS * 2);
	rounds(2);
	ok(n_accepted == 1, "later there is, though no session has left");
	close(accepted_fds[0]);
	server_stop(&server);
	close(client);
	unlink(path);
}

int
main(void)
{
	loop_init(&loop);
	signal(SIGPIPE, SIG_IGN);
	test_every_cut();
	test_yield();
	test_idle();
	test_pause();
	test_leave();
	test_leave_much();
	test_pause_end(true);
	test_pause_end(false);
	test_slow_reader();
	test_drained_and_resumed();
	test_finish();
	test_heard_all();
	test_reuse();
	test_timeout();
	test_connect();
	test_free_at_input();
	test_free_at_output();
	test_free_at_others();
	test_server();
	test_server_starved();
	ok(loop.n_timers == 0 && loop.first_task == NULL,
	   "no timer and no task is left behind");
	loop_free(&loop);
	return tap_done();
}
