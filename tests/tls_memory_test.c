/* tls_memory_test - sessions that are taken up again, and those that must not
 * be; ALPN */
#include "lib/tls_memory.h"

#include "lib/buf.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tls_key *own[3];
static struct tls_pin pins[3];

static void
write_file(const char *name, const struct buf *text)
{
	struct slice s = buf_slice(text);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, s.at, s.len) != (ssize_t)s.len)
		abort();
	close(fd);
}

static struct tls_key *
make_key(struct tls_pin *pin)
{
	struct buf cert = {0}, key = {0}, why = {0};
	struct tls_key *k;

	tls_key_make("test.example", &cert, &key, pin);
	write_file("c.pem", &cert);
	write_file("k.pem", &key);
	k = tls_key_open("c.pem", "k.pem", &why);
	if (!k)
		abort();
	buf_free(&cert), buf_free(&key), buf_free(&why);
	return k;
}

static const char *const quail[] = {"quail/1", "qmtp"};
static const char *const other[] = {"h2"};

/* One connection: who takes part, and what came of it. */
struct meeting {
	struct tls_key *client_key, *server_key;
	const struct tls_pin *expected;
	struct tls_memory *client_memory, *server_memory;
	const char *place;
	const char *const *client_alpn, *const *server_alpn;
	bool cut; /* the server dies before it answers */

	bool good, client_resumed, server_resumed;
	bool client_knows, server_knows;
	struct tls_pin client_sees, server_sees;
	const char *client_protocol, *server_protocol;
	char got[2];
};

static bool
step(struct stream *s, const char *says, char *got)
{
	static const char nothing[] = "";

	if (stream_flush(s) != 0)
		return errno == EAGAIN;
	if (says && *got != nothing[0])
		return true;
	if (says && stream_write(s, says, 1) != 1 && errno != EAGAIN)
		return false;
	if (stream_flush(s) != 0 && errno != EAGAIN)
		return false;
	return stream_read(s, got, 1) == 1 || errno == EAGAIN;
}

static void
look(struct meeting *m, struct stream *client, struct stream *server)
{
	m->client_resumed = tls_is_resumed(client);
	m->server_resumed = tls_is_resumed(server);
	m->client_knows = tls_peer(client, &m->client_sees);
	m->server_knows = tls_peer(server, &m->server_sees);
	m->client_protocol = tls_protocol(client);
	m->server_protocol = tls_protocol(server);
}

static void
meet(struct meeting *m)
{
	struct tls_expected e = {.pin = m->expected};
	struct stream client, server;
	bool fine = true;
	int fds[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	stream_plain_take(&client, fds[0]);
	stream_plain_take(&server, fds[1]);
	tls_client(&client, m->client_key, &e);
	if (m->client_alpn)
		tls_protocols(&client, m->client_alpn,
			      m->client_alpn == quail ? 2 : 1);
	if (m->client_memory)
		tls_client_resumes(&client, m->client_memory,
				   slice_text(m->place ? m->place : "b:6209"));
	tls_server(&server, m->server_key);
	if (m->server_memory)
		tls_server_resumes(&server, m->server_memory);
	if (m->server_alpn)
		tls_protocols(&server, m->server_alpn,
			      m->server_alpn == quail ? 2 : 1);
	memset(m->got, 0, sizeof m->got);
	for (i = 0; i < 20 && fine && !(m->got[0] && m->got[1]); i++) {
		fine = step(&client, "c", &m->got[0]);
		if (m->cut)
			break;
		fine = step(&server, "s", &m->got[1]) && fine;
	}
	m->good = m->got[0] == 's' && m->got[1] == 'c';
	look(m, &client, &server);
	if (m->cut) {
		shutdown(fds[1], SHUT_RDWR);
		step(&client, "c", &m->got[0]);
	}
	stream_close(&client);
	stream_close(&server);
}

/* A client and a server with memories, that have met once. */
static struct meeting
fresh(void)
{
	struct meeting m = {
	    .client_key = own[1],
	    .server_key = own[0],
	    .expected = &pins[0],
	    .client_memory = tls_memory_new(8, 60),
	    .server_memory = tls_memory_new(8, 60),
	};

	meet(&m);
	ok_quiet(m.good && !m.client_resumed && !m.server_resumed,
		 "the first handshake is a full one");
	return m;
}

static void
leave(struct meeting *m)
{
	tls_memory_close(m->client_memory);
	tls_memory_close(m->server_memory);
}

static bool
server_sees(const struct meeting *m, int key)
{
	return m->server_knows && tls_pin_eq(&m->server_sees, &pins[key]);
}

static void
test_resumes(void)
{
	struct meeting m = fresh();
	int i;

	for (i = 0; i < 3; i++) {
		meet(&m);
		ok(m.good && m.client_resumed && m.server_resumed,
		   "taken up again, connection %d", i + 2);
		ok(server_sees(&m, 1) && m.client_knows &&
		       tls_pin_eq(&m.client_sees, &pins[0]),
		   "and both know whom they speak to");
	}
	ok(tls_memory_count(m.client_memory) == 1 &&
	       tls_memory_count(m.server_memory) == 1,
	   "one session each");
	leave(&m);
}

static void
full(struct meeting *m, const char *what)
{
	meet(m);
	ok(m->good && !m->client_resumed && !m->server_resumed, "%s: full",
	   what);
	ok(m->client_knows, "%s: the server's key was looked at", what);
}

static void
test_bound_client(void)
{
	struct meeting m = fresh();

	m.expected = &pins[1];
	meet(&m);
	ok(!m.good && !m.client_resumed && !m.server_resumed && !m.got[1],
	   "the pin was changed: no session helps");
	m.expected = &pins[0];
	meet(&m);
	ok(m.good && m.client_resumed, "with the old pin it is still there");
	m.place = "c:6209";
	full(&m, "another place");
	m.place = NULL;
	m.client_key = own[2];
	full(&m, "another key of ours");
	ok(server_sees(&m, 2), "which the server sees");
	m.client_key = NULL;
	full(&m, "no key of ours");
	ok(!m.server_knows, "and the server sees nobody");
	meet(&m);
	ok(m.good && m.server_resumed && !m.server_knows,
	   "nobody stays nobody when resumed");
	m.client_key = own[1];
	meet(&m);
	ok(m.good && m.server_resumed && server_sees(&m, 1),
	   "each session has its own key");
	leave(&m);
}

static void
test_bound_server(void)
{
	struct meeting m = fresh();

	m.server_key = own[2];
	meet(&m);
	ok(!m.good && !m.server_resumed && !m.got[1],
	   "the server's key was changed: the old session is not taken up");
	ok(tls_memory_count(m.client_memory) == 0, "and forgotten");
	leave(&m);

	m = fresh();
	tls_memory_close(m.server_memory);
	m.server_memory = tls_memory_new(8, 60);
	full(&m, "a server that has started anew");
	meet(&m);
	ok(m.good && m.client_resumed, "and then resumes");
	leave(&m);

	m = fresh();
	tls_memory_close(m.server_memory);
	m.server_memory = NULL;
	full(&m, "a server without a memory");
	full(&m, "and again");
	leave(&m);

	m = fresh();
	m.cut = true;
	meet(&m);
	ok(!m.good && tls_memory_count(m.client_memory) == 0,
	   "a handshake that fails: the session is forgotten");
	leave(&m);
}

static void
test_bounded(void)
{
	struct meeting m = fresh();
	char place[100][16];
	int i, resumed = 0;

	for (i = 0; i < 100; i++) {
		snprintf(place[i], sizeof place[i], "h%d:1", i);
		m.place = place[i];
		meet(&m);
		ok_quiet(m.good && !m.server_resumed, "a new place");
	}
	ok(tls_memory_count(m.client_memory) == 8 &&
	       tls_memory_count(m.server_memory) == 8,
	   "no more than there are places");
	for (i = 99; i >= 92; i--) {
		m.place = place[i];
		meet(&m);
		resumed += m.client_resumed && m.server_resumed;
	}
	ok(resumed == 8, "the last ones are there: %d", resumed);
	m.place = place[91];
	full(&m, "one that was pushed out");
	leave(&m);

	m = fresh();
	tls_memory_close(m.client_memory);
	m.client_memory = tls_memory_new(8, 0);
	full(&m, "a life of no seconds");
	full(&m, "and again");
	leave(&m);

	m = fresh();
	tls_memory_close(m.server_memory);
	m.server_memory = tls_memory_new(8, 0);
	full(&m, "the server's");
	full(&m, "and again");
	leave(&m);
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void
test_protocols(void)
{
	static const struct {
		const char *const *client, *const *server;
		const char *both;
	} table[] = {
	    {quail, quail, "quail/1"}, {quail, NULL, NULL},
	    {NULL, quail, NULL},       {other, quail, NULL},
	    {quail, other, NULL},      {quail + 1, quail, "qmtp"},
	};
	struct meeting m = fresh();
	struct tls_memory *memory = m.client_memory;
	size_t i;
	int round;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		for (round = 0; round < 2; round++) {
			m.client_memory = round ? memory : NULL;
			m.client_alpn = table[i].client;
			m.server_alpn = table[i].server;
			meet(&m);
			ok(m.good && same(m.client_protocol, table[i].both) &&
			       same(m.server_protocol, table[i].both),
			   "ALPN %zu: %s", i,
			   m.client_protocol ? m.client_protocol : "none");
		}
	leave(&m);
}

static void
test_protocols_resumed(void)
{
	struct meeting m = fresh();

	m.client_alpn = m.server_alpn = quail;
	meet(&m);
	ok(m.client_resumed && same(m.client_protocol, "quail/1") &&
	       same(m.server_protocol, "quail/1"),
	   "ALPN is agreed on for each connection");
	m.server_alpn = NULL;
	meet(&m);
	ok(m.client_resumed && !m.client_protocol && !m.server_protocol,
	   "and is no part of the session");
	leave(&m);
}

int
main(void)
{
	char dir[] = "/tmp/quail-memory-XXXXXX", command[64];
	int i;

	if (!mkdtemp(dir) || chdir(dir) != 0)
		return 111;
	for (i = 0; i < 3; i++)
		own[i] = make_key(&pins[i]);
	test_resumes();
	test_bound_client();
	test_bound_server();
	test_bounded();
	test_protocols();
	test_protocols_resumed();
	for (i = 0; i < 3; i++)
		tls_key_close(own[i]);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) == 0 ? tap_done() : 1;
}
