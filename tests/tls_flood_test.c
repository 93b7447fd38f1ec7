/* tls_flood_test - peers that send records without end, and hellos by the
 * hundred: what one call and one round take of it, and who is served
 * meanwhile */
#include "lib/clock.h"
#include "lib/conn_parts.h"
#include "lib/owner.h"
#include "lib/tls_parts.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A small write costs a unix socket a KiB of its buffer. */
enum { MANY = 3000, SMALL = 250, HELLOS = 20 };

static char dir[] = "/tmp/quail-tls-flood-XXXXXX";
static struct tls_key *own;
static struct tls_pin pin;
static struct loop loop;

static void
write_file(const char *name, const struct buf *text)
{
	struct slice s = buf_slice(text);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, s.at, s.len) != (ssize_t)s.len)
		abort();
	close(fd);
}

static void
make_key(void)
{
	struct buf cert = {0}, key = {0}, why = {0};

	if (!mkdtemp(dir) || chdir(dir) != 0)
		abort();
	tls_key_make("test.example", &cert, &key, &pin);
	write_file("c.pem", &cert);
	write_file("k.pem", &key);
	own = tls_key_open("c.pem", "k.pem", &why);
	if (!own)
		abort();
	unlink("c.pem");
	unlink("k.pem");
	if (chdir("/") != 0 || rmdir(dir) != 0)
		abort();
	buf_free(&cert);
	buf_free(&key);
	buf_free(&why);
}

static void
pair(int fds[2])
{
	int size = 400000;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int
unread(int fd)
{
	int n = 0;

	if (ioctl(fd, FIONREAD, &n) != 0)
		abort();
	return n;
}

static void
client_on(struct stream *s, int fd)
{
	struct tls_expected e = {.pin = &pin};

	stream_plain_take(s, fd);
	tls_client(s, NULL, &e);
}

static void
server_on(struct stream *s, int fd)
{
	stream_plain_take(s, fd);
	tls_server(s, own);
}

static void
send_all(int fd, struct slice s)
{
	if (send(fd, s.at, s.len, MSG_NOSIGNAL) != (ssize_t)s.len)
		abort();
}

static void
send_many(int fd, struct slice record, int n)
{
	struct buf all = {0};
	int i;

	for (i = 0; i < n; i++)
		buf_puts(&all, record);
	send_all(fd, buf_slice(&all));
	buf_free(&all);
}

/* What the stream says in the end, after no more than a few calls. */
static bool
gives_up(struct stream *s, const char *why)
{
	char room[16];
	int i;

	for (i = 0; i < 4; i++)
		if (stream_read(s, room, sizeof room) == -1 && errno == EPROTO)
			return strstr(stream_why(s), why);
	return false;
}

static void
test_nothing(const char *what, struct slice record, bool at_client)
{
	struct stream s;
	int fds[2];

	pair(fds);
	if (at_client)
		client_on(&s, fds[0]);
	else
		server_on(&s, fds[0]);
	send_many(fds[1], record, MANY);
	ok(gives_up(&s, "without content"), "%s to a %s: no, thanks", what,
	   at_client ? "client" : "server");
	ok((size_t)unread(fds[0]) >= (MANY - TLS_IDLE_RECORDS - 2) * record.len,
	   "and the rest is not read: %d bytes", unread(fds[0]));
	stream_close(&s);
	close(fds[1]);
}

static void
shake_hands(struct stream *client, struct stream *server, int fds[2])
{
	bool open = false;
	int i;

	pair(fds);
	client_on(client, fds[0]);
	server_on(server, fds[1]);
	for (i = 0; i < 1000 && !open; i++) {
		open = stream_flush(client) == 0;
		open &= stream_flush(server) == 0;
	}
	if (!tls_is_open(client) || !tls_is_open(server))
		abort();
}

static void
send_empty(struct stream *s)
{
	br_ssl_engine_flush(((struct tls *)s->state)->engine, 1);
	if (stream_flush(s) != 0)
		abort();
}

static void
send_text(struct stream *s, const char *text)
{
	if (stream_write(s, text, strlen(text)) != (ssize_t)strlen(text) ||
	    stream_flush(s) != 0)
		abort();
}

static void
test_empty(void)
{
	struct stream client, server;
	char room[16];
	int fds[2], i, got = 0;

	shake_hands(&client, &server, fds);
	for (i = 0; i < 200; i++) {
		if (i % 20 == 19)
			send_text(&client, "x");
		else
			send_empty(&client);
		if (stream_read(&server, room, sizeof room) == 1)
			got++;
	}
	ok(got == 10, "some empty records between others are none: %d", got);
	for (i = 0; i < SMALL; i++)
		send_empty(&client);
	got = unread(fds[1]);
	ok(gives_up(&server, "without content"), "but only them is too much");
	ok(unread(fds[1]) > got - (TLS_IDLE_RECORDS + 2) * 29,
	   "the rest is not read: %d of %d", unread(fds[1]), got);
	stream_close(&client);
	stream_close(&server);
}

/* One call takes a share; the descriptor stays ready for the next one. */
static void
test_share(void)
{
	static char room[256 * 1024], big[300000];
	struct stream client, server;
	int fds[2], i;
	ssize_t n, all = 0;

	shake_hands(&client, &server, fds);
	for (i = 0; i < SMALL; i++)
		send_text(&client, "x");
	n = stream_read(&server, room, sizeof room);
	ok(n > 0 && n <= TLS_CALL_RECORDS, "a call takes %zd small records", n);
	ok(unread(fds[1]) > 0 && !stream_pending(&server),
	   "the others wait in the kernel");
	for (all = n; all < SMALL && n > 0; all += n)
		n = stream_read(&server, room, sizeof room);
	ok(all == SMALL, "and come by and by");
	n = stream_write(&client, big, sizeof big);
	stream_flush(&client);
	all = n;
	n = stream_read(&server, room, sizeof room);
	ok(all > 200000 && n >= TLS_CALL_BYTES / 2 &&
	       n <= TLS_CALL_BYTES + 16384,
	   "a call takes %zd bytes of %zd", n, all);
	stream_close(&client);
	stream_close(&server);
}

/* Fragments of a byte each, and a handshake that has no end. */
static void
test_intake(void)
{
	static const uint8_t head[] = {22, 3, 3, 0x40, 0};
	struct tls t = {0};
	const char *why = NULL;
	static uint8_t body[16384];
	int i, calls = 0;

	tls_intake_call(&t);
	for (i = 0; i < 1000; i++) {
		uint8_t one[] = {22, 3, 3, 0, 1};

		if (tls_intake_spent(&t)) {
			calls++;
			tls_intake_call(&t);
		}
		ok_quiet(!tls_intake_push(&t, one, 2) &&
			     !tls_intake_push(&t, one + 2, 3) &&
			     !tls_intake_push(&t, body, 1),
			 "a small record is a record");
	}
	ok(calls >= 1000 / TLS_CALL_RECORDS, "small records: %d calls", calls);
	t = (struct tls){0};
	for (i = 0; i < 10 && !why; i++) {
		tls_intake_call(&t);
		why = tls_intake_push(&t, head, sizeof head);
		if (!why)
			why = tls_intake_push(&t, body, sizeof body);
	}
	ok(why && strstr(why, "too long") && i == 4,
	   "a handshake without end ends after %d records", i);
	t = (struct tls){0};
	clock_set_for_tests(1000000);
	tls_intake_call(&t);
	ok(!tls_intake_spent(&t), "a call does something, however late it is");
	tls_intake_push(&t, head, sizeof head);
	tls_intake_push(&t, body, sizeof body);
	ok(!tls_intake_spent(&t), "a step that is quick is not the last");
	clock_set_for_tests(1000000 + TLS_STEP_US);
	ok(tls_intake_spent(&t), "one that took its time is");
	clock_set_for_tests(0);
}

/* In a loop: a flood, and somebody else. */

struct session {
	struct conn conn;
	unsigned n_input;
	size_t got;
	int64_t costs_us; /* on the tests' clock, for each KiB */
	bool broken;
	bool goes_on; /* sends for as long as it is read */
	unsigned n_drained;
};

static int64_t now_us = 1000000;

static void
on(struct conn *c, enum conn_event event)
{
	struct session *s = OWNER(c, struct session, conn);

	if (event == CONN_INPUT) {
		s->n_input++;
		s->got += c->in.len;
		if (s->costs_us > 0) {
			now_us += s->costs_us * (int64_t)c->in.len / 1024;
			clock_set_for_tests(now_us);
		}
		conn_take(c, c->in.len);
		conn_put(c, SLICE("K"));
	}
	if (event == CONN_DRAINED && s->goes_on) {
		s->n_drained++;
		c->tell_drained = true;
		conn_put(c, SLICE("more"));
	}
	s->broken |= event == CONN_BROKEN;
}

static struct session *
session_new(int fd, bool tls)
{
	struct session *s = calloc(1, sizeof *s);

	conn_open_take(&s->conn, &loop, fd, on);
	if (tls)
		tls_server(&s->conn.stream, own);
	return s;
}

static void
session_free(struct session *s)
{
	conn_close(&s->conn);
	free(s);
}

/* The other one, who asks and wants his answer in the same round. */
struct other {
	struct session *session;
	int fd;
	unsigned answers;
};

static void
other_begin(struct other *o)
{
	int fds[2];

	pair(fds);
	*o =
	    (struct other){.session = session_new(fds[0], false), .fd = fds[1]};
}

static void
other_round(struct other *o)
{
	char room[16];

	send_all(o->fd, SLICE("q"));
	loop_round(&loop, 0);
	o->answers += recv(o->fd, room, sizeof room, 0) == 1;
}

static void
other_end(struct other *o)
{
	session_free(o->session);
	close(o->fd);
}

static void
test_flood(void)
{
	struct stream client, server;
	struct session *flood;
	struct other other;
	unsigned rounds = 0, full = 0;
	int fds[2], i;

	shake_hands(&client, &server, fds);
	for (i = 0; i < SMALL; i++)
		send_text(&client, "x");
	flood = session_new(fds[1], false);
	flood->conn.stream = server;
	other_begin(&other);
	while (flood->got < SMALL && rounds < 1000) {
		other_round(&other);
		rounds++;
		full += unread(fds[1]) > 0;
	}
	ok(rounds >= SMALL / TLS_CALL_RECORDS && full >= rounds - 2,
	   "a flood of records takes %u rounds", rounds);
	ok(other.answers == rounds, "another client is served in each: %u",
	   other.answers);
	session_free(flood);
	other_end(&other);
	stream_close(&client);
}

/* A record of which little is read at once: the rest of it, too, comes round
 * by round. */
static void
test_rest(void)
{
	static char big[16000];
	struct stream client, server;
	struct session *s;
	unsigned most = 0, before, rounds = 0;
	int fds[2];

	shake_hands(&client, &server, fds);
	s = session_new(fds[1], false);
	s->conn.stream = server;
	s->conn.read_max = CONN_READ_MIN;
	clock_set_for_tests(now_us);
	s->costs_us = 1000;
	stream_write(&client, big, sizeof big);
	stream_flush(&client);
	for (; rounds < 1000 && s->got < sizeof big; rounds++) {
		before = s->n_input;
		loop_round(&loop, 0);
		most = s->n_input - before > most ? s->n_input - before : most;
	}
	clock_set_for_tests(0);
	ok(s->got == sizeof big && most == 1,
	   "a record in pieces, one a round: %zu, %u", s->got, most);
	session_free(s);
	stream_close(&client);
}

static void
test_nothing_in_loop(void)
{
	struct session *flood;
	struct other other;
	int fds[2], i;

	pair(fds);
	flood = session_new(fds[0], true);
	send_many(fds[1], SLICE("\x16\3\3\0\0"), MANY);
	other_begin(&other);
	for (i = 0; i < 5; i++)
		other_round(&other);
	ok(other.answers == 5, "another client beside empty records");
	ok(flood->broken && unread(fds[0]) > MANY * 4, "which come to an end");
	session_free(flood);
	close(fds[1]);
	other_end(&other);
}

static void
test_hellos(void)
{
	struct stream clients[HELLOS];
	struct session *sessions[HELLOS];
	struct other other;
	int fds[2], i, began, open = 0, most = 0, all = 0, rounds = 0;
	bool seen[HELLOS] = {false};

	for (i = 0; i < HELLOS; i++) {
		pair(fds);
		client_on(&clients[i], fds[0]);
		stream_flush(&clients[i]); /* says hello */
		sessions[i] = session_new(fds[1], true);
	}
	other_begin(&other);
	for (; rounds < 1000 && all < HELLOS; rounds++) {
		other_round(&other);
		for (i = began = 0; i < HELLOS; i++)
			if (!seen[i] && unread(clients[i].fd) > 0) {
				seen[i] = true;
				began++;
			}
		all += began;
		most = began > most ? began : most;
	}
	ok(most > 0 && most <= LOOP_TURNS, "%d hellos a round", most);
	ok(all == HELLOS, "all are answered: %d, in %d rounds", all, rounds);
	ok(other.answers == (unsigned)rounds,
	   "and another client in every round");
	for (rounds = 0; rounds < 2000 && open < HELLOS; rounds++) {
		loop_round(&loop, 0);
		for (i = open = 0; i < HELLOS; i++) {
			stream_flush(&clients[i]);
			open += tls_is_open(&sessions[i]->conn.stream);
		}
	}
	ok(open == HELLOS, "all handshakes end well: %d", open);
	for (i = 0; i < HELLOS; i++) {
		session_free(sessions[i]);
		stream_close(&clients[i]);
	}
	other_end(&other);
}

/* What costs much is read in small pieces, and in large ones again when it
 * does not. */
static void
test_dear(void)
{
	static char big[100000];
	struct session *s;
	struct other other;
	unsigned rounds = 0;
	int fds[2];

	clock_set_for_tests(now_us);
	pair(fds);
	s = session_new(fds[0], false);
	s->costs_us = 500;
	other_begin(&other);
	send_all(fds[1], slice_of(big, sizeof big));
	while (s->got < sizeof big && rounds < 1000) {
		other_round(&other);
		rounds++;
	}
	ok(s->got == sizeof big && rounds >= 10 && other.answers == rounds,
	   "dear bytes take %u rounds", rounds);
	ok(s->conn.read_max == CONN_READ_MIN, "%zu at once", s->conn.read_max);
	s->costs_us = 0;
	for (rounds = 0; rounds < 10; rounds++) {
		send_all(fds[1], slice_of(big, sizeof big));
		while (unread(fds[0]) > 0)
			loop_round(&loop, 0);
	}
	ok(s->conn.read_max >= 64 * 1024, "then more again: %zu",
	   s->conn.read_max);
	for (rounds = 0; rounds < 10; rounds++) {
		send_all(fds[1], slice_of(big, sizeof big));
		send_all(fds[1], slice_of(big, 60000));
		while (unread(fds[0]) > 0)
			loop_round(&loop, 0);
	}
	ok(s->conn.read_max == CONN_READ_MAX,
	   "who was always quick, as much as there is room for: %zu",
	   s->conn.read_max);
	session_free(s);
	close(fds[1]);
	other_end(&other);
	clock_set_for_tests(0);
}

/* Who reads as fast as we write does not keep the round either. */
static void
test_output(bool tls)
{
	struct stream client, server;
	struct session *s;
	int fds[2], i;

	shake_hands(&client, &server, fds);
	s = session_new(fds[1], false);
	if (tls)
		s->conn.stream = server;
	s->goes_on = true;
	s->conn.tell_drained = true;
	conn_put(&s->conn, SLICE("first"));
	for (i = 0; i < 20; i++)
		loop_round(&loop, 1000);
	ok(s->n_drained >= 19 && s->n_drained <= 20,
	   "output, %s: %u times in 20 rounds", tls ? "TLS" : "plain",
	   s->n_drained);
	session_free(s);
	if (!tls) {
		server.fd = dup(fds[0]);
		stream_close(&server);
	}
	stream_close(&client);
}

int
main(void)
{
	make_key();
	test_nothing("empty records", SLICE("\x16\3\3\0\0"), false);
	test_nothing("empty alerts", SLICE("\x15\3\3\0\0"), false);
	test_nothing("warnings", SLICE("\x15\3\3\0\2\1\x5a"), false);
	test_nothing("empty records", SLICE("\x16\3\3\0\0"), true);
	test_nothing("warnings", SLICE("\x15\3\3\0\2\1\x5a"), true);
	test_empty();
	test_share();
	test_intake();
	loop_init(&loop);
	test_flood();
	test_rest();
	test_nothing_in_loop();
	test_hellos();
	test_dear();
	test_output(false);
	test_output(true);
	loop_free(&loop);
	tls_key_close(own);
	return tap_done();
}
