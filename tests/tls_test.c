/* tls_test - the TLS stream, client against server, and against worse */
#include "lib/tls.h"

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/conn.h"
#include "lib/loop.h"
#include "lib/owner.h"
#include "lib/tls_der.h"
#include "lib/tls_parts.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BIG = 5 * 1000 * 1000, STEPS = 2000000 };

static char dir[] = "/tmp/quail-tls-XXXXXX";
static struct tls_key *own[2];
static struct tls_pin pins[2];

static void
write_file(const char *name, const struct buf *text, mode_t mode)
{
	struct slice s = buf_slice(text);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, s.at, s.len) != (ssize_t)s.len ||
	    fchmod(fd, mode) != 0)
		abort();
	close(fd);
}

static struct tls_key *
make_key(const char *cert_file, const char *key_file, struct tls_pin *pin)
{
	struct buf cert = {0}, key = {0}, why = {0};
	struct tls_key *k;

	tls_key_make("test.example", &cert, &key, pin);
	write_file(cert_file, &cert, 0644);
	write_file(key_file, &key, 0600);
	k = tls_key_open(cert_file, key_file, &why);
	ok(k != NULL && why.len == 0, "a key that was made is read: %.*s",
	   (int)why.len, buf_slice(&why).at);
	buf_free(&cert);
	buf_free(&key);
	buf_free(&why);
	return k;
}

/* keys and pins */

static void
test_pins(void)
{
	struct tls_pin pin, again;
	struct buf text = {0}, why = {0};

	tls_key_own_pin(own[0], &pin);
	ok(tls_pin_eq(&pin, &pins[0]), "a key's own pin");
	ok(tls_key_file_pin("c0.pem", &again, &why) == 0 &&
	       tls_pin_eq(&pin, &again),
	   "the pin of a certificate");
	ok(tls_key_file_pin("k0.pem", &again, &why) == 0 &&
	       tls_pin_eq(&pin, &again),
	   "the pin of a private key");
	tls_pin_put(&text, &pin);
	ok(text.len == 71 && tls_pin_parse(buf_slice(&text), &again) == 0 &&
	       tls_pin_eq(&pin, &again),
	   "a pin as text and back");
	text.mem[text.off + 8] |= 32;
	ok(tls_pin_parse(slice_of(text.mem, text.len - 1), &again) != 0,
	   "one digit less");
	text.mem[10] = 'g';
	ok(tls_pin_parse(buf_slice(&text), &again) != 0, "no digit");
	ok(tls_pin_parse(SLICE("sha1:00"), &again) != 0, "another kind");
	ok(!tls_pin_eq(&pins[0], &pins[1]), "two keys, two pins");
	buf_free(&text);
	buf_free(&why);
}

static void
wrong_files(const char *cert, const char *key, const char *says)
{
	struct buf why = {0};
	struct tls_key *k = tls_key_open(cert, key, &why);

	buf_putc(&why, 0);
	ok(!k && strstr(buf_slice(&why).at, says), "%s, %s: %s", cert, key,
	   buf_slice(&why).at);
	tls_key_close(k);
	buf_free(&why);
}

static void
test_files(void)
{
	struct buf text = {0}, why = {0};

	wrong_files("none.pem", "k0.pem", "No such file");
	wrong_files("c0.pem", "none.pem", "No such file");
	wrong_files("k0.pem", "k0.pem", "no certificate");
	wrong_files("c0.pem", "c0.pem", "no private key");
	wrong_files("c0.pem", "k1.pem", "does not belong");
	wrong_files(".", "k0.pem", ".: ");
	buf_text(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n");
	write_file("half.pem", &text, 0644);
	wrong_files("half.pem", "k0.pem", "not good PEM");
	buf_text(&text, "-----END CERTIFICATE-----");
	write_file("junk.pem", &text, 0644);
	wrong_files("junk.pem", "k0.pem", "broken");
	chmod("k0.pem", 0644);
	wrong_files("c0.pem", "k0.pem", "others may read");
	chmod("k0.pem", 0600);
	ok(!tls_roots_open("c0.pem", &why),
	   "a file without an authority has no roots");
	ok(why.len > 0, "and says so: %.*s", (int)why.len, buf_slice(&why).at);
	buf_free(&text);
	buf_free(&why);
}

/* Two ends, pumped in turn; each call gets small or large pieces. */

struct end {
	struct stream s;
	const char *send;
	size_t n_send, sent;
	struct buf got;
	bool eof, dead;
	int error;
	size_t piece;
};

static void
end_start(struct end *e, int fd, size_t piece)
{
	*e = (struct end){.piece = piece};
	stream_plain_take(&e->s, fd);
}

static bool
end_failed(struct end *e)
{
	if (errno == EAGAIN)
		return false;
	e->error = errno;
	e->dead = true;
	return true;
}

static void
end_read(struct end *e)
{
	char room[70000];
	ssize_t n =
	    stream_read(&e->s, room, e->piece < 70000 ? e->piece : 70000);

	if (n > 0)
		buf_put(&e->got, room, (size_t)n);
	else if (n == 0)
		e->eof = true;
	else
		end_failed(e);
}

static void
end_step(struct end *e)
{
	size_t n = e->n_send - e->sent;
	ssize_t w;

	if (e->dead)
		return;
	if (n > e->piece)
		n = e->piece;
	if (n > 0) {
		w = stream_write(&e->s, e->send + e->sent, n);
		if (w > 0)
			e->sent += (size_t)w;
		else if (end_failed(e))
			return;
	}
	if (stream_flush(&e->s) != 0 && end_failed(e))
		return;
	if (!e->eof)
		end_read(e);
}

static void
end_free(struct end *e)
{
	if (e->s.fd >= 0)
		stream_close(&e->s);
	buf_free(&e->got);
}

static void
pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
}

/* Until both have all, or one is dead and the other has heard of it. */
static void
pump(struct end *a, struct end *b)
{
	long i;

	for (i = 0; i < STEPS; i++) {
		end_step(a);
		end_step(b);
		if (a->dead && a->s.fd >= 0)
			stream_flush(&a->s);
		if ((a->dead || a->got.len == b->n_send) &&
		    (b->dead || b->got.len == a->n_send) &&
		    (a->dead == b->dead) &&
		    (a->dead ||
		     (stream_flush(&a->s) == 0 && stream_flush(&b->s) == 0)))
			return;
		if (a->dead != b->dead && i > 1000) {
			struct end *d = a->dead ? a : b;

			if (d->s.fd >= 0)
				stream_close(&d->s);
		}
	}
}

static char *big;

static void
test_bytes(size_t piece_a, size_t piece_b, size_t n)
{
	struct tls_expected e = {.pin = &pins[0]};
	struct tls_pin pin;
	struct end client, server;
	int fds[2];

	pair(fds);
	end_start(&client, fds[0], piece_a);
	end_start(&server, fds[1], piece_b);
	tls_client(&client.s, own[1], &e);
	tls_server(&server.s, own[0]);
	ok_quiet(!tls_is_open(&server.s) && !tls_peer(&server.s, &pin),
		 "nothing is known before the handshake");
	client.send = big;
	server.send = big + BIG - n;
	client.n_send = server.n_send = n;
	pump(&client, &server);
	ok(slice_eq(buf_slice(&server.got), slice_of(big, n)) &&
	       slice_eq(buf_slice(&client.got), slice_of(server.send, n)),
	   "%zu bytes both ways in pieces of %zu and %zu", n, piece_a, piece_b);
	ok(tls_peer(&server.s, &pin) && tls_pin_eq(&pin, &pins[1]),
	   "the server knows the client's key");
	ok(tls_peer(&client.s, &pin) && tls_pin_eq(&pin, &pins[0]),
	   "the client knows the server's key");
	stream_close(&client.s);
	ok(!server.dead && (end_step(&server), server.eof) && !server.dead,
	   "an end that is said is an end");
	end_free(&client);
	end_free(&server);
}

static void
fail_pair(const char *what, struct end *client, struct end *server,
	  const char *client_says, const char *server_says)
{
	const char *c, *s;

	client->send = server->send = "hello, world";
	client->n_send = server->n_send = 12;
	pump(client, server);
	c = client->s.fd >= 0 && stream_why(&client->s) ? stream_why(&client->s)
							: "";
	s = server->s.fd >= 0 && stream_why(&server->s) ? stream_why(&server->s)
							: "";
	ok(client->got.len == 0 && server->got.len == 0 && client->dead,
	   "%s: nothing got through", what);
	ok(!client_says || strstr(c, client_says), "%s: client: %s", what, c);
	ok(!server_says || strstr(s, server_says), "%s: server: %s", what, s);
	end_free(client);
	end_free(server);
}

static void
test_wrong_pin(void)
{
	struct tls_expected e = {.pin = &pins[1]};
	struct end client, server;
	int fds[2];

	pair(fds);
	end_start(&client, fds[0], 4096);
	end_start(&server, fds[1], 4096);
	tls_client(&client.s, NULL, &e);
	tls_server(&server.s, own[0]);
	fail_pair("wrong pin", &client, &server, "the server's key is sha256:",
		  "the peer refused: unknown authority");
}

/* Closing with something unread must still tell the end. */
static void
test_unread(void)
{
	struct tls_expected e = {.pin = &pins[0]};
	struct end client, server;
	char one;
	int fds[2], i;

	pair(fds);
	end_start(&client, fds[0], 4096);
	end_start(&server, fds[1], 4096);
	tls_client(&client.s, NULL, &e);
	tls_server(&server.s, own[0]);
	pump(&client, &server);
	client.send = "hello, world";
	client.n_send = 12;
	for (i = 0; i < 3; i++)
		end_step(&client);
	ok(stream_read(&server.s, &one, 1) == 1 && one == 'h' &&
	       stream_pending(&server.s),
	   "one byte read, others wait");
	stream_close(&server.s);
	for (i = 0; i < 3; i++)
		end_step(&client);
	ok(client.eof && !client.dead, "and the end is told all the same");
	end_free(&client);
	end_free(&server);
}

/* Certificates are public: showing one is not having its key. */
static void
test_stolen(void)
{
	struct tls_expected e = {.pin = &pins[1]};
	struct tls_key thief = *own[1];
	struct end client, server;
	struct tls_pin pin;
	int fds[2];

	thief.chain[0] = own[0]->chain[0];
	pair(fds);
	end_start(&client, fds[0], 4096);
	end_start(&server, fds[1], 4096);
	tls_client(&client.s, &thief, &e);
	tls_server(&server.s, own[1]);
	client.send = "12";
	client.n_send = 2;
	pump(&client, &server);
	ok(server.dead && server.got.len == 0 && client.dead,
	   "a client with another's certificate: nothing got through");
	ok(server.s.fd < 0 || !tls_peer(&server.s, &pin),
	   "and it is not that other");
	end_free(&client);
	end_free(&server);

	pair(fds);
	end_start(&client, fds[0], 4096);
	end_start(&server, fds[1], 4096);
	e.pin = &pins[0];
	tls_client(&client.s, NULL, &e);
	tls_server(&server.s, &thief);
	client.send = "12";
	client.n_send = 2;
	pump(&client, &server);
	ok(client.dead && server.got.len == 0,
	   "a server with another's certificate: nothing got through");
	end_free(&client);
	end_free(&server);
}

static void
test_no_client_key(void)
{
	struct tls_expected e = {.pin = &pins[0]};
	struct end client, server;
	struct tls_pin pin;
	int fds[2];

	pair(fds);
	end_start(&client, fds[0], 4096);
	end_start(&server, fds[1], 4096);
	tls_client(&client.s, NULL, &e);
	tls_server(&server.s, own[0]);
	client.send = "12";
	client.n_send = 2;
	pump(&client, &server);
	ok(server.got.len == 2 && tls_is_open(&server.s) &&
	       !tls_peer(&server.s, &pin),
	   "a client without a key is nobody");
	end_free(&client);
	end_free(&server);
}

static void
test_clear_text(void)
{
	struct tls_expected e = {.pin = &pins[0]};
	struct end client, server;
	int fds[2];

	pair(fds);
	end_start(&client, fds[0], 4096);
	end_start(&server, fds[1], 4096);
	tls_server(&server.s, own[0]);
	client.dead = true;
	ok(write(fds[0], "20:hello, world", 15) == 15, "clear text");
	pump(&client, &server);
	ok(server.dead && stream_why(&server.s) &&
	       strstr(stream_why(&server.s), "clear text"),
	   "clear text at a TLS server: %s", stream_why(&server.s));
	end_free(&client);
	end_free(&server);

	pair(fds);
	end_start(&client, fds[0], 4096);
	end_start(&server, fds[1], 4096);
	tls_client(&client.s, NULL, &e);
	server.dead = true;
	ok(write(fds[1], "Kok 1 qp 2,12345", 16) == 16, "clear text");
	pump(&client, &server);
	ok(client.dead && stream_why(&client.s) &&
	       strstr(stream_why(&client.s), "clear text"),
	   "clear text at a TLS client: %s", stream_why(&client.s));
	end_free(&client);
	end_free(&server);

	pair(fds);
	end_start(&client, fds[0], 4096);
	tls_client(&client.s, NULL, &e);
	end_step(&client);
	close(fds[1]);
	end_step(&client);
	end_step(&client);
	ok(client.dead && (client.error != EPROTO ||
			   strstr(stream_why(&client.s), "clear text there")),
	   "a server that closes at once");
	end_free(&client);
}

/* A man in the middle who lets only so many bytes of each side through. */
struct middle {
	int fds[2];
	size_t left;
};

static void
middle_step(struct middle *m, int from, int to)
{
	char room[4096];
	size_t max = m->left < sizeof room ? m->left : sizeof room;
	ssize_t n = max ? recv(m->fds[from], room, max, MSG_DONTWAIT) : 0;

	if (n > 0) {
		m->left -= (size_t)n;
		if (send(m->fds[to], room, (size_t)n, MSG_NOSIGNAL) != n)
			m->left = 0;
	}
}

/* Returns whether both had all. */
static bool
cut_at(size_t n)
{
	struct tls_expected e = {.pin = &pins[0]};
	struct end client, server;
	struct middle m = {.left = n};
	int a[2], b[2], i;
	bool all;

	pair(a);
	pair(b);
	end_start(&client, a[0], 4096);
	end_start(&server, b[1], 4096);
	m.fds[0] = a[1];
	m.fds[1] = b[0];
	tls_client(&client.s, own[1], &e);
	tls_server(&server.s, own[0]);
	client.send = "two recipients";
	client.n_send = 14;
	for (i = 0; i < 30 && m.left > 0; i++) {
		end_step(&client);
		middle_step(&m, 0, 1);
		end_step(&server);
		middle_step(&m, 1, 0);
	}
	all = server.got.len == 14;
	close(a[1]);
	close(b[0]);
	for (i = 0; i < 3; i++) {
		end_step(&client);
		end_step(&server);
	}
	ok_quiet(!client.eof && !server.eof, "cut at %zu is no end", n);
	ok_quiet(client.dead && server.dead, "cut at %zu is an error", n);
	ok_quiet(server.got.len == 0 || server.got.len == 14,
		 "cut at %zu: half of a record is told", n);
	end_free(&client);
	end_free(&server);
	return all;
}

static void
test_cuts(void)
{
	size_t n = 0, full = 0;

	for (n = 0; n < 6000 && !full; n += n < 600 ? 37 : 61)
		if (cut_at(n))
			full = n;
	ok(full > 600, "cut at every place, until all is through at %zu", full);
}

/* A changed byte is never a byte of ours. */
static void
test_changed(void)
{
	struct tls_expected e = {.pin = &pins[0]};
	size_t at;
	unsigned wrong = 0;

	for (at = 3; at < 1500; at += 97) {
		struct end client, server;
		size_t seen = 0;
		char room[4096];
		int a[2], b[2], i;

		pair(a);
		pair(b);
		end_start(&client, a[0], 4096);
		end_start(&server, b[1], 4096);
		tls_client(&client.s, own[1], &e);
		tls_server(&server.s, own[0]);
		client.send = "two recipients";
		client.n_send = 14;
		for (i = 0; i < 20; i++) {
			ssize_t n;

			end_step(&client);
			n = recv(a[1], room, sizeof room, MSG_DONTWAIT);
			if (n > 0) {
				if (at >= seen && at < seen + (size_t)n)
					room[at - seen] ^= 1;
				seen += (size_t)n;
				n = send(b[0], room, (size_t)n, MSG_NOSIGNAL);
			}
			end_step(&server);
			n = recv(b[0], room, sizeof room, MSG_DONTWAIT);
			if (n > 0)
				n = send(a[1], room, (size_t)n, MSG_NOSIGNAL);
		}
		if (seen > at && server.got.len > 0)
			wrong++;
		end_free(&client);
		end_free(&server);
		close(a[1]);
		close(b[0]);
	}
	ok(wrong == 0, "a changed byte: nothing gets through");
}

/* In a loop: conn with TLS below it. */

struct session {
	struct conn conn;
	struct buf got, story;
	bool pause;
};

static void
on(struct conn *c, enum conn_event event)
{
	static const char letters[] = "oiedtb";
	struct session *s = OWNER(c, struct session, conn);

	if (event != CONN_INPUT)
		buf_putc(&s->story, letters[event]);
	if (event == CONN_INPUT) {
		buf_puts(&s->got, buf_slice(&c->in));
		buf_take(&c->in, c->in.len);
		if (s->pause)
			conn_pause(c);
	}
}

static struct loop loop;

static void
rounds(const struct session *a, size_t n)
{
	int64_t until = clock_ms() + 60000;

	while (a->got.len < n && !a->conn.error && clock_ms() < until)
		loop_round(&loop, 100);
}

static bool
sleeps(void)
{
	int64_t from = clock_ms();

	loop_round(&loop, 30);
	return clock_ms() - from >= 25;
}

static bool
told(const struct session *s, const char *story)
{
	return slice_eq(buf_slice(&s->story), slice_text(story));
}

static void
session_free(struct session *s)
{
	conn_close(&s->conn);
	buf_free(&s->got);
	buf_free(&s->story);
}

static void
test_conn(void)
{
	struct tls_expected e = {.pin = &pins[0]};
	static struct session client, server;
	int fds[2], i;

	pair(fds);
	conn_connect_take(&client.conn, &loop, fds[0], on);
	tls_client(&client.conn.stream, own[1], &e);
	conn_open_take(&server.conn, &loop, fds[1], on);
	tls_server(&server.conn.stream, own[0]);
	server.pause = true;
	conn_put(&client.conn, slice_of(big, BIG));
	for (i = 0; i < 10000 && server.got.len < BIG; i++) {
		loop_round(&loop, 0);
		loop_round(&loop, 0);
		conn_resume(&server.conn);
	}
	rounds(&server, BIG);
	ok(slice_eq(buf_slice(&server.got), slice_of(big, BIG)),
	   "5 MB through a connection that pauses");
	ok(told(&client, "o"), "the client hears that it is open");
	conn_put(&server.conn, SLICE("Kok"));
	conn_finish(&server.conn);
	rounds(&client, 3);
	ok(client.got.len == 3, "the answer");
	loop_round(&loop, 0);
	ok(told(&server, "b") && server.conn.error == 0, "finished");
	session_free(&server);
	for (i = 0; i < 5; i++)
		loop_round(&loop, 0);
	ok(told(&client, "oe"), "the end is said");
	ok(sleeps(), "and then nothing spins");
	session_free(&client);
}

/* What a server has to say before the handshake is over comes behind it. */
static void
test_conn_early(void)
{
	struct tls_expected e = {.pin = &pins[0]};
	static struct session client, server;
	int fds[2], i;

	pair(fds);
	conn_connect_take(&client.conn, &loop, fds[0], on);
	tls_client(&client.conn.stream, own[1], &e);
	conn_open_take(&server.conn, &loop, fds[1], on);
	tls_server(&server.conn.stream, own[0]);
	conn_put(&server.conn, SLICE("Zbusy"));
	conn_finish(&server.conn);
	for (i = 0; i < 20 && !server.conn.error && server.story.len == 0; i++)
		loop_round(&loop, 100);
	ok(told(&server, "b") && server.conn.error == 0,
	   "finished before the handshake was over");
	session_free(&server);
	rounds(&client, 5);
	for (i = 0; i < 5; i++)
		loop_round(&loop, 0);
	ok(client.got.len == 5 && told(&client, "oe"), "and heard");
	session_free(&client);
}

static void
test_conn_wrong(void)
{
	struct tls_expected e = {.pin = &pins[1]};
	static struct session client, server;
	int fds[2], i;

	pair(fds);
	conn_connect_take(&client.conn, &loop, fds[0], on);
	tls_client(&client.conn.stream, own[1], &e);
	conn_put(&client.conn, SLICE("secret"));
	for (i = 0; i < 5; i++)
		loop_round(&loop, 0);
	ok(sleeps(), "a handshake that is not answered does not spin");
	conn_open_take(&server.conn, &loop, fds[1], on);
	tls_server(&server.conn.stream, own[0]);
	for (i = 0; i < 20; i++)
		loop_round(&loop, 10);
	ok(told(&client, "b") && client.conn.error == EPROTO &&
	       stream_why(&client.conn.stream) && client.conn.out.len == 6,
	   "a wrong key: broken before it is open, nothing sent: %s",
	   stream_why(&client.conn.stream));
	ok(told(&server, "b") && server.got.len == 0, "the server: %s",
	   stream_why(&server.conn.stream));
	session_free(&client);
	session_free(&server);
}

/* An idle connection of a server: 32 KiB with its session and all. */
static void
test_memory(void)
{
	struct stream s;
	size_t before, after;
	int fds[2];

	pair(fds);
	before = mallinfo2().uordblks;
	stream_plain_take(&s, fds[0]);
	tls_server(&s, own[0]);
	after = mallinfo2().uordblks;
	ok(after - before <= 30 * 1024, "a server's stream: %zu bytes",
	   after - before);
	stream_close(&s);
	close(fds[1]);
	/* but for small pieces that malloc keeps at hand */
	ok(mallinfo2().uordblks <= before + 4096, "all given back");
}

static void
test_der(void)
{
	static const uint8_t high[] = {0, 0, 0x80, 1};
	uint8_t mem[400], fill[300] = {0};
	struct der d;

	der_start(&d, mem, sizeof mem);
	der_integer(&d, high, sizeof high);
	ok(d.size - d.at == 5 &&
	       memcmp(mem + d.at, "\x02\x03\x00\x80\x01", 5) == 0,
	   "DER: a number with its high bit set");
	der_start(&d, mem, sizeof mem);
	der_put(&d, DER_SEQUENCE, fill, 300);
	ok(memcmp(mem + d.at, "\x30\x82\x01\x2c", 4) == 0, "DER: long");
	der_start(&d, mem, sizeof mem);
	der_put(&d, DER_SEQUENCE, fill, 200);
	ok(memcmp(mem + d.at, "\x30\x81\xc8", 3) == 0, "DER: longer than 127");
}

static void
remove_files(void)
{
	static const char *const names[] = {"c0.pem", "k0.pem",	  "c1.pem",
					    "k1.pem", "half.pem", "junk.pem"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		unlink(names[i]);
	if (chdir("/") != 0 || rmdir(dir) != 0)
		abort();
}

int
main(void)
{
	size_t i;

	if (!mkdtemp(dir) || chdir(dir) != 0)
		abort();
	big = malloc(BIG);
	for (i = 0; i < BIG; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	own[0] = make_key("c0.pem", "k0.pem", &pins[0]);
	own[1] = make_key("c1.pem", "k1.pem", &pins[1]);
	test_der();
	test_pins();
	test_files();
	test_memory();
	test_bytes(70000, 70000, 12);
	test_bytes(1, 1, 5000);
	test_bytes(7, 70000, 100000);
	test_bytes(500, 333, BIG);
	test_bytes(70000, 70000, BIG);
	test_wrong_pin();
	test_unread();
	test_stolen();
	test_no_client_key();
	test_clear_text();
	test_cuts();
	test_changed();
	loop_init(&loop);
	test_conn();
	test_conn_wrong();
	test_conn_early();
	loop_free(&loop);
	tls_key_close(own[0]);
	tls_key_close(own[1]);
	free(big);
	remove_files();
	return tap_done();
}
