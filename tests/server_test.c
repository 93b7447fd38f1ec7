/* server_test - limits, PROXY headers, and the last word to a client that
 * still sends, over TCP on loopback */
#include "lib/server_parts.h"

#include "lib/clock.h"
#include "lib/conn.h"
#include "lib/linger.h"
#include "lib/owner.h"
#include "tests/tap.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SESSIONS = 8 };

#define REFUSAL	  "4:Zno.,"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PROXY_V4                                                               \
	SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x30\x39\x02\x74"

static struct loop loop;
static struct server server;
static struct endpoint at; /* where it listens */
static struct buf why;	   /* of the last refusal */
static unsigned n_refused, n_broken;
static bool guests; /* access gives its clients no right */

/* A session: reads a byte, answers, and ends. */
struct session {
	struct conn conn;
	struct endpoint peer;
	struct server_guest guest;
	bool tls;
	bool keeps; /* does not read */
};

static struct session *sessions[SESSIONS * 4];
static size_t n_sessions;

static void
rounds(int n)
{
	while (n-- > 0)
		loop_round(&loop, 2);
}

static void
session_free(struct session *s)
{
	size_t i;

	for (i = 0; sessions[i] != s;)
		i++;
	sessions[i] = sessions[--n_sessions];
	conn_close(&s->conn);
	server_guest_drop(&s->guest);
	server_gone(&server, &s->peer, s->tls);
	free(s);
}

static void
on(struct conn *c, enum conn_event event)
{
	struct session *s = OWNER(c, struct session, conn);

	if (event == CONN_INPUT && !s->keeps) {
		conn_take(c, c->in.len);
		conn_put(c, SLICE("2:Kx,"));
		conn_finish(c);
	} else if (event == CONN_EOF || event == CONN_BROKEN) {
		n_broken += event == CONN_BROKEN && c->error != 0;
		session_free(s);
	}
}

static void
displaced(struct server_guest *g)
{
	session_free(OWNER(g, struct session, guest));
}

static void
accepted(struct server *s, int fd, const struct endpoint *peer)
{
	struct session *new = calloc(1, sizeof *new);

	new->peer = *peer;
	new->tls = s->tls;
	conn_open_take(&new->conn, &loop, fd, on);
	new->conn.budget = &s->budget;
	new->guest = (struct server_guest){
	    .peer = &new->peer, .tls = s->tls, .leave = displaced};
	if (guests)
		server_guest_heard(s, &new->guest);
	sessions[n_sessions++] = new;
}

static void
refused(struct server *s, const struct endpoint *peer, const char *text)
{
	(void)s;
	n_refused++;
	buf_clear(&why);
	endpoint_host(peer, &why);
	buf_putc(&why, ' ');
	buf_text(&why, text);
}

static int
connect_client(void)
{
	int fd = endpoint_connect(&at);

	if (fd < 0)
		abort();
	rounds(3);
	return fd;
}

static void
send_bytes(int fd, struct slice s)
{
	if (send(fd, s.at, s.len, MSG_NOSIGNAL) != (ssize_t)s.len)
		fprintf(stderr, "# not sent: %d\n", errno);
	rounds(3);
}

/* Does it get just this, and then the end? It is closed then. */
static bool
hears(int fd, const char *text)
{
	struct buf got = {0};
	int tries = 200;
	ssize_t n = -1;
	bool same;

	while (tries-- > 0 && n != 0) {
		n = recv(fd, buf_room(&got, 1000), 1000, MSG_DONTWAIT);
		if (n > 0)
			buf_added(&got, (size_t)n);
		else if (n < 0 && errno != EAGAIN)
			break;
		rounds(1);
	}
	same = n == 0 && slice_eq(buf_slice(&got), slice_text(text));
	if (!same)
		fprintf(stderr, "# heard: %.*s, %zd %d\n", (int)got.len,
			buf_slice(&got).at, n, errno);
	buf_free(&got);
	close(fd);
	rounds(3);
	return same;
}

static bool
said(const char *text)
{
	bool same = slice_eq(buf_slice(&why), slice_text(text));

	if (!same)
		fprintf(stderr, "# said: %.*s\n", (int)why.len,
			buf_slice(&why).at);
	buf_clear(&why);
	return same;
}

static void
limit(size_t all, size_t tls, size_t client)
{
	struct limits l = LIMITS_DEFAULT;

	l.connections = all;
	l.connections_tls = tls;
	l.connections_client = client;
	server_limit(&server, &l);
}

static void
start(void)
{
	struct slice any = SLICE("127.0.0.1:1");
	struct slice host;
	uint16_t port;

	hostport_split(any, &host, &port);
	endpoint_parse(&at, host, port);
	memset((char *)&at.a + 2, 0, 2); /* any port */
	server_init(&server, &loop, "test", SESSIONS, accepted);
	server.refusal = SLICE(REFUSAL);
	server.refused = refused;
	/* as server_listen does, but for the port that the kernel chose */
	server.sockets[0] = (struct server_socket){
	    .server = &server, .io = {endpoint_listen(&at), 0, NULL}};
	getsockname(server.sockets[0].io.fd, &at.a.any, &at.len);
	close(server.sockets[0].io.fd);
	buf_text(&why, "127.0.0.1:");
	buf_number(&why, endpoint_port(&at));
	server_listen(&server, buf_slice(&why), 0);
	buf_clear(&why);
}

static bool
has_no_delay(int fd)
{
	int on = 0;
	socklen_t len = sizeof on;

	return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && on;
}

/* Nagle and delayed acknowledgement together cost 40 ms a message. */
static void
test_no_delay(void)
{
	int a = connect_client();

	ok(n_sessions == 1 && has_no_delay(a) &&
	       has_no_delay(sessions[0]->conn.io.fd),
	   "nobody waits for Nagle");
	close(a);
	rounds(3);
}

static void
test_limits(void)
{
	int a, b, c;

	limit(2, 9, 9);
	a = connect_client(), b = connect_client(), c = connect_client();
	ok(n_sessions == 2 && n_refused == 1 &&
	       said("127.0.0.1 too many connections"),
	   "a third of two is refused");
	ok(hears(c, REFUSAL), "and told so");
	send_bytes(a, SLICE("x"));
	ok(hears(a, "2:Kx,"), "one is served");
	c = connect_client();
	ok(n_sessions == 2 && n_refused == 1, "then another comes in");
	close(b), close(c);
	rounds(3);
	limit(9, 9, 1);
	a = connect_client(), b = connect_client();
	ok(n_sessions == 1 &&
	       said("127.0.0.1 too many connections from this client"),
	   "a second of one client is refused");
	ok(hears(b, REFUSAL), "and told so");
	server.sockets[0].tls = true;
	limit(9, 1, 9);
	b = connect_client(), c = connect_client();
	ok(n_sessions == 2 && server.n_tls == 1 &&
	       said("127.0.0.1 too many connections with TLS"),
	   "a second with TLS is refused");
	ok(hears(c, ""), "without a word");
	server.sockets[0].tls = false;
	close(a), close(b);
	rounds(4);
	ok(n_sessions == 0 && server.n_tls == 0 && server.clients.n == 0 &&
	       server.n_sessions == 0,
	   "nothing is left of them");
	limit(9, 9, 9);
}

/* Of 128 descriptors 64 are the daemon's own; a quarter of the rest is for
 * sockets that linger. */
static void
test_descriptors(void)
{
	struct rlimit was, few;
	unsigned refused_before = n_refused;
	int fds[20], i;

	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = 128;
	setrlimit(RLIMIT_NOFILE, &few);
	limit(1000, 9, 9);
	ok(server.limits.connections == 48 && linger_most() == 16,
	   "who lingers has a share: %zu and %zu", server.limits.connections,
	   linger_most());
	limit(40, 9, 0);
	for (i = 0; i < 20; i++)
		fds[i] = connect_client();
	ok(n_sessions == 0 && linger_n() == 16,
	   "of twenty that are refused %zu linger", linger_n());
	for (i = 0; i < 20; i++)
		close(fds[i]);
	rounds(3);
	ok(linger_n() == 0, "until they are gone");
	setrlimit(RLIMIT_NOFILE, &was);
	limit(9, 9, 9);
	ok(linger_most() == LINGER_MAX, "with more, as many as ever");
	n_refused = refused_before;
}

static void
trust(const char *host, uint8_t bits)
{
	struct server_trust t = {.n = 1};
	struct endpoint e;

	endpoint_parse(&e, slice_text(host), 1);
	endpoint_address(&e, t.networks[0].address);
	t.networks[0].bits = bits;
	server_trust(&server, 0, &t);
}

static bool
last_is(const char *host)
{
	struct buf text = {0};
	bool same;

	if (n_sessions == 0)
		return false;
	endpoint_host(&sessions[n_sessions - 1]->peer, &text);
	same = slice_eq(buf_slice(&text), slice_text(host));
	buf_free(&text);
	return same;
}

static int
last_fd(void)
{
	return sessions[n_sessions - 1]->conn.stream.fd;
}

static void
test_proxy(void)
{
	int fd, i;
	bool fine;

	trust("127.0.0.0", 96 + 8);
	fd = connect_client();
	ok(n_sessions == 0 && server.n_sessions == 1, "a header is waited for");
	for (i = 0; i < 28; i++)
		send_bytes(fd, slice_of(&PROXY_V4[i], 1));
	ok(last_is("192.0.2.7") && endpoint_port(&sessions[0]->peer) == 12345,
	   "byte by byte; the client is who it says");
	trust("10.0.0.0", 96 + 8);
	fine = !server_still_trusts(server.balanced, last_fd());
	trust("127.0.0.0", 96 + 8);
	ok(fine && server_still_trusts(server.balanced, last_fd()) &&
	       server_still_trusts(NULL, -1),
	   "as long as the balancer is trusted");
	send_bytes(fd, SLICE("x"));
	ok(hears(fd, "2:Kx,"), "what is behind it is the client's");
	fd = connect_client();
	send_bytes(fd, SLICE(PROXY_V4 "x"));
	ok(hears(fd, "2:Kx,"), "all at once");
	fd = connect_client();
	send_bytes(fd, SLICE(SIGNATURE "\x20\0\0\0"));
	ok(last_is("127.0.0.1") && n_refused == 3, "LOCAL: a health check");
	ok(!server.balanced, "which says nothing of a client");
	close(fd);
	rounds(3);
	limit(9, 9, 1);
	fd = connect_client();
	send_bytes(fd, SLICE(PROXY_V4));
	i = connect_client();
	send_bytes(i, SLICE(PROXY_V4));
	ok(said("192.0.2.7 too many connections from this client"),
	   "limits are those of who it speaks for");
	ok(hears(i, REFUSAL), "who is told");
	close(fd);
	rounds(3);
	limit(9, 9, 9);

	fd = connect_client();
	send_bytes(fd, SLICE("42:12:hello world"));
	ok(slice_starts(buf_slice(&why), SLICE("127.0.0.1 no PROXY header")),
	   "something else: refused");
	n_refused = 0;
	close(fd);
	fd = connect_client();
	send_bytes(fd, SLICE("\r\n\r\n"));
	shutdown(fd, SHUT_WR);
	ok(hears(fd, "") && n_refused == 1 &&
	       slice_starts(buf_slice(&why),
			    SLICE("127.0.0.1 the balancer closed")),
	   "half a header: refused");
	fd = connect_client();
	clock_set_for_tests((clock_ms() + SERVER_PROXY_MS + 100) * 1000);
	rounds(2);
	clock_set_for_tests(0);
	ok(hears(fd, "") && n_refused == 2, "none in time: refused");
	fd = connect_client();
	trust("127.0.0.2", 128);
	i = connect_client();
	ok(last_is("127.0.0.1"), "who is not trusted is a client himself");
	close(fd), close(i);
	rounds(3);
	trust("126.0.0.0", 96 + 7);
	fd = connect_client();
	fine = n_sessions == 0 && server.n_sessions == 1;
	close(fd);
	rounds(3);
	trust("128.0.0.0", 96 + 7);
	fd = connect_client();
	ok(fine && n_sessions == 1, "bits of a byte");
	close(fd);
	rounds(3);
	ok(server.n_sessions == 0 && server.clients.n == 0,
	   "nothing is left of them");
	server.sockets[0].trust.n = 0;
}

/* The client sends much more than fits, and reads only then. */
static void
test_linger(void)
{
	static char much[1 << 20];
	size_t sent = 0;
	int fd = connect_client(), tries = 1000;

	send_bytes(fd, SLICE("x"));
	ok(n_sessions == 0 && linger_n() == 1,
	   "the session is over: it lingers");
	while (sent < 8 * sizeof much && tries-- > 0) {
		ssize_t n =
		    send(fd, much, sizeof much, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		rounds(1);
	}
	ok(sent >= 8 * sizeof much, "it can go on sending: %zu", sent);
	ok(hears(fd, "2:Kx,"), "and still gets its reply");
	for (tries = 1000; linger_n() > 0 && tries > 0; tries--)
		rounds(1);
	ok(linger_n() == 0, "the client closes, so do we");
	fd = connect_client();
	send_bytes(fd, SLICE("x"));
	clock_set_for_tests((clock_ms() + LINGER_MS + 100) * 1000);
	rounds(2);
	clock_set_for_tests(0);
	ok(linger_n() == 0, "who stays is not waited for");
	close(fd);
	fd = connect_client();
	send_bytes(fd, SLICE("x"));
	linger_end();
	ok(linger_n() == 0, "all at once");
	close(fd);
}

/* Clients whose input nobody takes. */
static void
test_budget(void)
{
	static char much[1 << 20];
	struct limits l = LIMITS_DEFAULT;
	int fds[SESSIONS], other;
	size_t i, held = 0, most = 0;
	bool small = true;

	l.in_flight = 300 * 1024;
	server_limit(&server, &l);
	for (i = 0; i < SESSIONS; i++) {
		fds[i] = connect_client();
		sessions[i]->keeps = true;
	}
	for (i = 0; i < 50 * SESSIONS; i++) {
		send(fds[i % SESSIONS], much, sizeof much,
		     MSG_NOSIGNAL | MSG_DONTWAIT);
		rounds(1);
		if (server.budget.used > most)
			most = server.budget.used;
	}
	for (i = 0; i < SESSIONS; i++) {
		held += sessions[i]->conn.in.len;
		small = small && sessions[i]->conn.in.len > 0;
	}
	ok(held <= l.in_flight + SESSIONS * BUDGET_SHARE &&
	       held >= l.in_flight / 2 && small,
	   "past the budget nobody reads more than its share: %zu", held);
	ok(most <= 2 * (l.in_flight + SESSIONS * BUDGET_SHARE),
	   "its memory, too: %zu", most);
	other = connect_client();
	send_bytes(other, SLICE("x"));
	ok(hears(other, "2:Kx,"), "others are served");
	ok(n_sessions == SESSIONS, "nobody was dropped: %zu", n_sessions);
	conn_take(&sessions[0]->conn, sessions[0]->conn.in.len);
	rounds(5);
	ok(sessions[0]->conn.in.len >= BUDGET_SHARE,
	   "who takes its input gets more");
	for (i = 0; i < SESSIONS; i++)
		close(fds[i]);
	while (n_sessions > 0)
		session_free(sessions[0]);
	ok(server.budget.used == 0, "all is given back");
}

/* What is read is handed on to where nothing goes on. */
static void
test_behind(void)
{
	static char much[1 << 20];
	struct limits l = LIMITS_DEFAULT;
	size_t i, behind = 100 * 1024, held[2];
	int fds[2];

	server_limit(&server, &l);
	server.budget.behind = &behind;
	server.budget.behind_max = 130 * 1024;
	for (i = 0; i < 2; i++) {
		fds[i] = connect_client();
		sessions[i]->keeps = true;
		send(fds[i], much, sizeof much, MSG_NOSIGNAL | MSG_DONTWAIT);
		rounds(1);
		held[i] = sessions[i]->conn.in.len;
		behind = 200 * 1024;
	}
	ok(held[0] > BUDGET_SHARE && held[0] <= 30 * 1024 &&
	       held[1] == BUDGET_SHARE,
	   "no more is read than can be handed on: %zu, %zu", held[0], held[1]);
	behind = 0;
	server.budget.behind_max = 1 << 20;
	conn_pause(&sessions[1]->conn);
	conn_resume(&sessions[1]->conn);
	rounds(3);
	ok(sessions[1]->conn.in.len > 30 * 1024, "it goes on");
	server.budget.behind = NULL;
	for (i = 0; i < 2; i++)
		close(fds[i]);
	while (n_sessions > 0)
		session_free(sessions[0]);
}

static bool
right(struct server *s, const struct endpoint *peer)
{
	(void)s, (void)peer;
	return true;
}

/* Each costs us a handshake; in clear text they cost nothing. */
static void
test_handshakes(void)
{
	struct limits l = LIMITS_DEFAULT;
	int fds[24], i;

	clock_set_for_tests(clock_steady_us());
	l.connections = 30;
	l.handshakes = 1;
	server_limit(&server, &l);
	n_refused = 0;
	server.sockets[0].tls = true;
	for (i = 0; i < 12; i++)
		fds[i] = connect_client();
	ok(n_sessions == LIMIT_HANDSHAKES_S && n_refused == 2,
	   "handshakes of one network: %zu, refused: %u", n_sessions,
	   n_refused);
	ok(said("127.0.0.1 too many TLS handshakes from this network"), "why");
	server.sockets[0].tls = false;
	for (; i < 24; i++)
		fds[i] = connect_client();
	ok(n_sessions == LIMIT_HANDSHAKES_S + 12 && n_refused == 2,
	   "others go on: %zu", n_sessions);
	server.sockets[0].tls = true;
	server.has_right = right;
	close(connect_client());
	ok(n_sessions == LIMIT_HANDSHAKES_S + 13 && n_refused == 2,
	   "who has a right does not wait for his neighbours");
	server.has_right = NULL;
	server.sockets[0].tls = false;
	while (i-- > 0)
		close(fds[i]);
	rounds(5);
	clock_set_for_tests(0);
	l = LIMITS_DEFAULT;
	server_limit(&server, &l);
	while (n_sessions > 0)
		session_free(sessions[0]);
}

static bool
is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 &&
	       errno == EAGAIN;
}

/* Strangers have taken all places. */
static void
test_guests(bool tls)
{
	int64_t us = clock_steady_us();
	int fds[8], i;

	clock_set_for_tests(us);
	guests = true;
	server.sockets[0].tls = tls;
	limit(tls ? 9 : 3, tls ? 3 : 9, 99);
	for (i = 0; i < 4; i++)
		fds[i] = connect_client();
	ok(n_sessions == 3 && is_open(fds[0]) && !is_open(fds[3]),
	   "nobody goes for a stranger who comes at once: %zu", n_sessions);
	buf_clear(&why);
	clock_set_for_tests(us += 2000 * 1000);
	rounds(1);
	server_guest_heard(&server, &sessions[0]->guest);
	fds[4] = connect_client();
	ok(n_sessions == 3 && is_open(fds[0]) && !is_open(fds[1]) &&
	       is_open(fds[4]) &&
	       said("127.0.0.1 idle, and another client needs its place"),
	   "who was idle longest goes: %zu", n_sessions);
	clock_set_for_tests(us += 500 * 1000);
	rounds(1);
	server.has_right = right;
	guests = false;
	for (i = 5; i < 8; i++)
		fds[i] = connect_client();
	ok(n_sessions == 3 && !is_open(fds[0]) && !is_open(fds[2]) &&
	       !is_open(fds[4]) && is_open(fds[5]) && is_open(fds[6]) &&
	       is_open(fds[7]),
	   "who has a right waits for no stranger: %zu", n_sessions);
	close(connect_client());
	ok(n_sessions == 3 && is_open(fds[5]), "and goes for nobody");
	for (i = 0; i < 8; i++)
		close(fds[i]);
	rounds(5);
	while (n_sessions > 0)
		session_free(sessions[0]);
	ok(server.n_sessions == 0 && server.n_tls == 0, "none is left");
	server.has_right = NULL;
	server.sockets[0].tls = false;
	clock_set_for_tests(0);
	limit(9, 9, 9);
}

/* As a balancer would tell them. */
static size_t
from_prefix(unsigned first, unsigned n)
{
	struct server_socket *socket = &server.sockets[0];
	size_t before = n_sessions;
	struct endpoint e;
	char host[40];
	int pair[2];
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(host, sizeof host, "2001:db8:%x:%x::1", first, i);
		endpoint_parse(&e, slice_text(host), 1);
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
			abort();
		server_admit_take(socket, pair[0], &e, false);
		close(pair[1]);
	}
	return n_sessions - before;
}

static void
test_wide(void)
{
	size_t one, other, again;

	limit(100, 9, 2);
	one = from_prefix(1, 12);
	other = from_prefix(2, 3);
	ok(one == 8 && other == 3 &&
	       said("2001:db8:1:b::1 too many connections from this client"),
	   "a /48 has four clients' worth: %zu, another its own: %zu", one,
	   other);
	while (n_sessions > 0)
		session_free(sessions[0]);
	ok(server.clients.n == 0, "nothing is left of it");
	server.has_right = right;
	again = from_prefix(1, 12);
	ok(again == 12, "who has a right is not counted so: %zu", again);
	while (n_sessions > 0)
		session_free(sessions[0]);
	ok(server.clients.n == 0, "nothing either");
	server.has_right = NULL;
	limit(9, 9, 9);
}

/* Who has the socket with us has shut it down. */
static void
test_deaf(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		shutdown(server.sockets[0].io.fd, SHUT_RD);
		for (;;)
			rounds(1);
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 111,
	   "a socket that does not listen any more ends us");
}

int
main(void)
{
	loop_init(&loop);
	start();
	test_no_delay();
	test_limits();
	test_descriptors();
	test_proxy();
	test_linger();
	test_budget();
	test_behind();
	test_handshakes();
	test_guests(false);
	test_guests(true);
	test_wide();
	test_deaf(); /* for good */
	server_stop(&server);
	clients_free(&server.clients);
	clients_free(&server.networks);
	linger_end();
	ok(n_broken == 0, "no session broke: %u", n_broken);
	buf_free(&why);
	loop_free(&loop);
	return tap_done();
}
