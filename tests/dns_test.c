/* Looking names up, against a small name server in this process; it also
 * lies, cuts its answers short and says nothing. */
#include "lib/dns.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "lib/sandbox.h"

#include "tests/tap.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many that nobody guesses how they are written. */
#define LETTERS ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr.test"

static struct loop loop;
static struct loop_io server_io;
static struct loop_io tcp_io;
static unsigned n_asked, n_silent, n_edns, n_tcp;

/* what can be seen of the last questions */
enum { SEEN_MAX = 400 };
static struct {
	uint16_t port, id;
	char name[64];
} seen[SEEN_MAX];
static unsigned n_seen;

/* the server */

enum { A = 1, MX = 15, AAAA = 28 };

struct packet {
	uint8_t at[4096];
	size_t len;
	unsigned n_answers;
};

static void
u8(struct packet *p, unsigned v)
{
	p->at[p->len++] = (uint8_t)v;
}

static void
u16(struct packet *p, unsigned v)
{
	u8(p, v >> 8);
	u8(p, v & 255);
}

/* The head of a record for the name in the question. */
static size_t
record(struct packet *p, unsigned type)
{
	u16(p, 0xc00c);
	u16(p, type);
	u16(p, 1);
	u16(p, 0);
	u16(p, 60);
	u16(p, 0); /* length, later */
	p->n_answers++;
	return p->len;
}

static void
record_end(struct packet *p, size_t from)
{
	p->at[from - 2] = (uint8_t)((p->len - from) >> 8);
	p->at[from - 1] = (uint8_t)(p->len - from);
}

/* A label, and then the name in the question; "": the root. */
static void
put_mx(struct packet *p, unsigned preference, const char *label)
{
	size_t from = record(p, MX), n = strlen(label);

	u16(p, preference);
	if (n > 0) {
		u8(p, (unsigned)n);
		memcpy(p->at + p->len, label, n);
		p->len += n;
		u16(p, 0xc00c);
	} else {
		u8(p, 0);
	}
	record_end(p, from);
}

static void
put_address(struct packet *p, unsigned type, unsigned last)
{
	size_t from = record(p, type), n = type == A ? 4 : 16;

	memset(p->at + p->len, 0, n);
	p->len += n;
	p->at[p->len - 1] = (uint8_t)last;
	if (type == A)
		p->at[p->len - 4] = 127;
	record_end(p, from);
}

/* An alias of itself; that is enough to be counted. */
static void
put_alias(struct packet *p)
{
	size_t from = record(p, 5);

	u16(p, 0xc00c);
	record_end(p, from);
}

static void
put_many_mx(struct packet *p)
{
	unsigned i;

	for (i = 0; i < 60; i++) {
		char label[3] = {(char)('a' + i / 10), (char)('a' + i % 10), 0};

		put_mx(p, (i * 37) % 60, label);
	}
}

/* Answers the type asked for by name: a rcode, or -1 for silence. */
static int
answer(struct packet *p, const char *name, unsigned type)
{
	unsigned i;

	if (!strcmp(name, "none"))
		return 3;
	if (!strcmp(name, "serv") || (!strcmp(name, "half") && type == A))
		return 2;
	if (!strcmp(name, "late") && n_silent++ < 2)
		return -1;
	if (!strcmp(name, "dead"))
		return -1;
	if (type == A || type == AAAA) {
		bool both = !strcmp(name, "both") || !strcmp(name, "late") ||
			    !strcmp(name, "forged") ||
			    !strcmp(name, "guessed") || !strcmp(name, "shy");

		for (i = 0; i < 20 && !strcmp(name, "chain"); i++)
			put_alias(p);
		if (!strcmp(name, "chain"))
			both = true;

		if (both || (!strcmp(name, "four") && type == A))
			put_address(p, type, 1);
		if (!strcmp(name, "crowd"))
			for (i = 0; i < 40; i++)
				put_address(p, type, i + 1);
		if (!strcmp(name, "short") && type == A) {
			put_address(p, type, 1);
			p->len -= 2;
		}
		return 0;
	}
	if (!strcmp(name, "mx")) {
		put_mx(p, 20, "last");
		put_mx(p, 10, "one");
		put_mx(p, 10, "two");
	} else if (!strcmp(name, "null")) {
		put_mx(p, 0, "");
	} else if (!strcmp(name, "mixed")) {
		put_mx(p, 0, "");
		put_mx(p, 5, "real");
	} else if (!strcmp(name, "odd")) {
		put_mx(p, 1, "a b");
		put_mx(p, 2, "c\\d");
		put_mx(p, 3, "good");
	} else if (!strcmp(name, "many")) {
		put_many_mx(p);
	} else if (!strcmp(name, "short")) {
		put_mx(p, 1, "a");
		p->len--;
	} else if (!strcmp(name, "loop")) {
		size_t from = record(p, MX);

		u16(p, 1);
		u16(p, 0xc000 | (unsigned)p->len); /* points to itself */
		record_end(p, from);
	} else if (!strcmp(name, "liar")) {
		put_mx(p, 1, "a");
		p->n_answers = 900;
	} else if (!strcmp(name, "wrong")) {
		put_address(p, A, 1);
	}
	return 0;
}

/* The first label of the question; the question's end. */
static size_t
question(const uint8_t *q, size_t n, char *name, unsigned *type)
{
	size_t at = 12, i;

	for (i = 0; i < q[12] && i < 63; i++)
		name[i] = (char)tolower(q[13 + i]);
	name[i] = '\0';
	while (at < n && q[at])
		at += q[at] + 1u;
	*type = (unsigned)(q[at + 1] << 8 | q[at + 2]);
	return at + 5;
}

static void
see(const struct sockaddr_storage *from, const uint8_t *q, size_t n)
{
	static const uint8_t opt[5] = {0, 0, 41, 1232 >> 8, 1232 & 255};

	n_edns += q[11] == 1 && n > 11 && memcmp(q + n - 11, opt, 5) == 0;
	if (n_seen == SEEN_MAX)
		return;
	seen[n_seen].port =
	    ntohs(((const struct sockaddr_in *)(const void *)from)->sin_port);
	seen[n_seen].id = (uint16_t)(q[0] << 8 | q[1]);
	memcpy(seen[n_seen++].name, q + 13, q[12]);
}

static void
lower(struct packet *p)
{
	size_t i;

	for (i = 12; p->at[i]; i++)
		p->at[i] = (uint8_t)tolower(p->at[i]);
}

/* Somebody who knows the port and, if he is told, the id: but he cannot see
 * how the name was written. */
static void
forge(int fd, const struct packet *true_one, const struct sockaddr_storage *to,
      bool knows_id)
{
	struct packet p = *true_one;
	unsigned i;

	lower(&p);
	p.at[p.len - 1] = 66;
	for (i = 0; i < (knows_id ? 1 : 100); i++) {
		if (!knows_id) {
			p.at[0] = (uint8_t)rand();
			p.at[1] = (uint8_t)rand();
		}
		sendto(fd, p.at, p.len, 0, (const void *)to,
		       sizeof(struct sockaddr_in));
	}
}

/* By TCP: the true one. The question is short, and comes in one piece. */
static void
answer_tcp(struct loop_io *io, unsigned events)
{
	uint8_t q[514], head[2];
	struct packet p = {.len = 0};
	char name[64];
	unsigned type;
	ssize_t n = recv(io->fd, q, sizeof q, MSG_DONTWAIT);

	(void)events;
	if (n >= 19) {
		n_tcp++;
		p.len = question(q + 2, (size_t)n - 2, name, &type);
		memcpy(p.at, q + 2, p.len);
		answer(&p, name, type);
		p.at[2] = 0x81;
		p.at[3] = 0x80;
		p.at[6] = (uint8_t)(p.n_answers >> 8);
		p.at[7] = (uint8_t)p.n_answers;
		memset(p.at + 8, 0, 4);
		if (!strcmp(name, "shy"))
			lower(&p);
		head[0] = (uint8_t)(p.len >> 8);
		head[1] = (uint8_t)p.len;
		send(io->fd, head, 2, MSG_MORE);
		send(io->fd, p.at, p.len, 0);
	}
	loop_forget(&loop, io);
	close(io->fd);
	free(io);
}

static void
serve_tcp(struct loop_io *io, unsigned events)
{
	struct loop_io *one = calloc(1, sizeof *one);

	(void)events;
	*one =
	    (struct loop_io){accept(io->fd, NULL, NULL), LOOP_READ, answer_tcp};
	loop_watch(&loop, one);
}

static void
serve(struct loop_io *io, unsigned events)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof from;
	uint8_t q[512];
	struct packet p = {.len = 0};
	char name[64];
	unsigned type;
	size_t end;
	int rcode;
	ssize_t n = recvfrom(io->fd, q, sizeof q, 0, (void *)&from, &from_len);

	(void)events;
	if (n < 17)
		return;
	n_asked++;
	see(&from, q, (size_t)n);
	end = question(q, (size_t)n, name, &type);
	memcpy(p.at, q, end);
	p.len = end;
	rcode = answer(&p, name, type);
	if (rcode < 0)
		return;
	p.at[2] = 0x81;
	p.at[3] = (uint8_t)(0x80 | rcode);
	p.at[6] = (uint8_t)(p.n_answers >> 8);
	p.at[7] = (uint8_t)p.n_answers;
	memset(p.at + 8, 0, 4);
	if (!strcmp(name, "shy"))
		lower(&p);
	if (!strcmp(name, "forged"))
		forge(io->fd, &p, &from, true);
	if (!strcmp(name, "guessed"))
		forge(io->fd, &p, &from, false);
	/* a forged answer first, and noise: neither may be believed */
	p.at[0] ^= 0x55;
	sendto(io->fd, p.at, p.len, 0, (void *)&from, from_len);
	sendto(io->fd, "noise", 5, 0, (void *)&from, from_len);
	p.at[0] ^= 0x55;
	sendto(io->fd, p.at, p.len, 0, (void *)&from, from_len);
}

static void
start_server(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof sin;
	char where[64];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&sin, len) != 0 ||
	    getsockname(fd, (void *)&sin, &len) != 0)
		exit(1);
	snprintf(where, sizeof where, "127.0.0.1:%u", ntohs(sin.sin_port));
	setenv("QUAIL_DNS", where, 1);
	server_io = (struct loop_io){fd, LOOP_READ, serve};
	loop_watch(&loop, &server_io);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (void *)&sin, len) != 0 || listen(fd, 50) != 0)
		exit(1);
	tcp_io = (struct loop_io){fd, LOOP_READ, serve_tcp};
	loop_watch(&loop, &tcp_io);
}

/* the client */

static unsigned n_done;

static void
done(struct dns_query *q)
{
	(void)q;
	n_done++;
}

static void
wait_for(unsigned n)
{
	unsigned rounds;

	for (rounds = 0; n_done < n && rounds < 20000; rounds++)
		loop_round(&loop, 100);
}

static enum dns_result
addresses(struct dns *dns, struct dns_query *q, const char *name)
{
	bool early;

	n_done = 0;
	dns_addresses(dns, q, slice_text(name), 25, done);
	early = n_done > 0;
	wait_for(1);
	ok_quiet(!early && n_done == 1 && !q->dns, "%s: done once, later",
		 name);
	return q->result;
}

static enum dns_result
mx(struct dns *dns, struct dns_query *q, const char *name)
{
	bool early;

	n_done = 0;
	dns_mx(dns, q, slice_text(name), done);
	early = n_done > 0;
	wait_for(1);
	ok_quiet(!early && n_done == 1 && !q->dns, "%s: done once, later",
		 name);
	return q->result;
}

static bool
is_address(const struct dns_query *q, size_t i, const char *text)
{
	struct buf b = {0};
	bool same;

	endpoint_host(&q->addresses[i], &b);
	same = slice_eq(buf_slice(&b), slice_text(text)) &&
	       endpoint_port(&q->addresses[i]) == 25;
	buf_free(&b);
	return same;
}

static void
test_addresses(struct dns *dns, struct dns_query *q)
{
	char longest[DNS_NAME_MAX + 2];
	unsigned before;
	size_t i, n_v4 = 0;

	ok(addresses(dns, q, "both.test") == DNS_FOUND && q->n_addresses == 2 &&
	       is_address(q, 0, "::1") && is_address(q, 1, "127.0.0.1"),
	   "v6 and v4");
	ok(addresses(dns, q, "four.test.") == DNS_FOUND &&
	       q->n_addresses == 1 && is_address(q, 0, "127.0.0.1"),
	   "v4 only, a dot at the end");
	ok(addresses(dns, q, "none.test") == DNS_NONE && !q->exists,
	   "no such name");
	ok(addresses(dns, q, "empty.test") == DNS_NONE && q->exists,
	   "no such record");
	ok(addresses(dns, q, "serv.test") == DNS_SOFT && !q->is_unheard,
	   "SERVFAIL is soft");
	ok(addresses(dns, q, "half.test") == DNS_SOFT,
	   "no v6, and SERVFAIL for v4: soft, not none");
	ok(addresses(dns, q, "short.test") == DNS_SOFT, "cut short: soft");
	ok(addresses(dns, q, "crowd.test") == DNS_FOUND &&
	       q->n_addresses == DNS_ADDRESSES_MAX,
	   "80 addresses are cut to the limit");
	for (i = 0; i < q->n_addresses; i++)
		n_v4 += q->addresses[i].a.any.sa_family == AF_INET;
	ok(n_v4 == DNS_ADDRESSES_MAX / 2, "half of them v4");
	ok(addresses(dns, q, "late.test") == DNS_FOUND && q->n_addresses == 2,
	   "the second try is answered");
	before = n_asked;
	ok(addresses(dns, q, "192.0.2.7") == DNS_FOUND &&
	       is_address(q, 0, "192.0.2.7"),
	   "numeric v4");
	ok(addresses(dns, q, "2001:db8::7") == DNS_FOUND &&
	       is_address(q, 0, "2001:db8::7"),
	   "numeric v6");
	ok(addresses(dns, q, "localhost") == DNS_FOUND, "the hosts file");
	ok(addresses(dns, q, "") == DNS_NONE, "no name");
	ok(addresses(dns, q, "a b") == DNS_NONE, "a space");
	ok(addresses(dns, q, "a\\098.test") == DNS_NONE, "a backslash");
	ok(addresses(dns, q, "[127.0.0.1]") == DNS_NONE, "brackets");
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	ok(addresses(dns, q, longest) == DNS_NONE, "256 bytes");
	ok(n_asked == before, "nobody was asked for these");
	ok(addresses(dns, q, "a..test") == DNS_NONE, "an empty label");
}

static void
test_mx(struct dns *dns, struct dns_query *q)
{
	unsigned i, one_first = 0, two_first = 0;
	bool sorted = true;

	for (i = 0; i < 40; i++) {
		if (mx(dns, q, "mx.test") != DNS_FOUND || q->n_mx != 3)
			break;
		one_first += !strcmp(q->mx[0].host, "one.mx.test");
		two_first += !strcmp(q->mx[0].host, "two.mx.test");
	}
	ok(i == 40 && one_first + two_first == 40 &&
	       !strcmp(q->mx[2].host, "last.mx.test"),
	   "MX hosts by preference");
	ok(one_first > 3 && two_first > 3, "equal ones shuffled: %u and %u",
	   one_first, two_first);
	ok(mx(dns, q, "null.test") == DNS_FOUND && q->n_mx == 1 &&
	       q->mx[0].host[0] == '\0',
	   "null MX");
	ok(mx(dns, q, "mixed.test") == DNS_FOUND && q->n_mx == 1 &&
	       !strcmp(q->mx[0].host, "real.mixed.test"),
	   "a null MX beside a real one does not count");
	ok(mx(dns, q, "odd.test") == DNS_FOUND && q->n_mx == 1 &&
	       !strcmp(q->mx[0].host, "good.odd.test"),
	   "hosts with odd names are passed over");
	ok(mx(dns, q, "many.test") == DNS_FOUND && q->n_mx == DNS_MX_MAX,
	   "60 MX are cut to the limit");
	for (i = 0; i < q->n_mx; i++)
		sorted = sorted && q->mx[i].preference == i;
	ok(sorted, "to the best of them, in order");
	ok(mx(dns, q, "none.test") == DNS_NONE, "no such domain");
	ok(mx(dns, q, "empty.test") == DNS_NONE, "no MX");
	ok(mx(dns, q, "serv.test") == DNS_SOFT, "SERVFAIL");
	ok(mx(dns, q, "short.test") == DNS_SOFT, "cut short");
	ok(mx(dns, q, "loop.test") == DNS_SOFT, "a name that is a loop");
	ok(mx(dns, q, "liar.test") == DNS_SOFT, "records that are not there");
	ok(mx(dns, q, "wrong.test") == DNS_NONE, "another type than asked");
	ok(mx(dns, q, "a b") == DNS_NONE, "no name");
}

/* How many of what was seen differ? */
static unsigned
differ(unsigned n, bool ports)
{
	unsigned i, j, count = 0;

	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			if (ports ? seen[i].port == seen[j].port
				  : seen[i].id == seen[j].id)
				break;
		count += j == i;
	}
	return count;
}

static unsigned
spellings(unsigned n)
{
	unsigned i, j, count = 0;

	for (i = 0; i < n; i++) {
		for (j = 0; j < i && strcmp(seen[i].name, seen[j].name); j++)
			;
		count += j == i;
	}
	return count;
}

static void
test_guesses(struct dns *dns, struct dns_query *q)
{
	static struct dns_query many[50];
	unsigned i;

	n_seen = n_edns = n_done = 0;
	memset(seen, 0, sizeof seen);
	for (i = 0; i < 50; i++)
		dns_mx(dns, &many[i], SLICE("abcdefghijkl.test"), done);
	wait_for(50);
	ok(n_seen == 50 && differ(50, true) == 50,
	   "50 questions at a time come from %u ports", differ(50, true));
	ok(differ(50, false) >= 48, "with %u ids", differ(50, false));
	ok(spellings(50) >= 45, "in %u spellings", spellings(50));
	ok(n_edns == 50, "by EDNS");
	n_seen = 0;
	memset(seen, 0, sizeof seen);
	for (i = 0; i < 100; i++)
		mx(dns, q, "abcdefghijkl.test");
	ok(n_seen == 100 && differ(100, true) >= 90,
	   "100 one after the other, from %u ports", differ(100, true));
	ok(differ(100, false) >= 95, "with %u ids", differ(100, false));
	ok(addresses(dns, q, "guessed" LETTERS) == DNS_FOUND &&
	       is_address(q, 0, "::1") && is_address(q, 1, "127.0.0.1"),
	   "100 answers by somebody who guesses the id: none is believed");
	n_tcp = 0;
	ok(addresses(dns, q, "forged" LETTERS) == DNS_FOUND &&
	       is_address(q, 0, "::1") && is_address(q, 1, "127.0.0.1") &&
	       n_tcp == 2,
	   "one who knows it does not know the spelling: asked by TCP");
	ok(addresses(dns, q, "shy" LETTERS) == DNS_FOUND &&
	       q->n_addresses == 2 && n_tcp == 4,
	   "a server that changes the spelling is believed by TCP");
	ok(addresses(dns, q, "chain.test") == DNS_SOFT,
	   "20 aliases are too many");
}

/* a query begun where the last one is told */

static struct dns *chain_dns;
static unsigned chained;

static void
chain(struct dns_query *q)
{
	n_done++;
	if (++chained < 5)
		dns_addresses(chain_dns, q, SLICE("both.test"), 25, chain);
}

static void
test_many(struct dns *dns)
{
	static struct dns_query queries[100];
	unsigned i, found = 0;

	n_done = 0;
	for (i = 0; i < 100; i++)
		dns_addresses(dns, &queries[i], SLICE("both.test"), 25, done);
	for (i = 0; i < 100; i += 2)
		dns_cancel(&queries[i]);
	wait_for(50);
	for (i = 0; i < 20; i++)
		loop_round(&loop, 1);
	for (i = 1; i < 100; i += 2)
		found += queries[i].result == DNS_FOUND;
	ok(n_done == 50 && found == 50,
	   "100 at a time, half of them cancelled");
	n_done = 0;
	chain_dns = dns;
	dns_addresses(dns, &queries[0], SLICE("1.2.3.4"), 25, chain);
	wait_for(5);
	ok(chained == 5, "a query begun inside done");
	dns_cancel(&queries[0]);
	dns_cancel(&queries[0]);
	ok(n_done == 5, "cancel with nothing under way");
}

/* Another file is there than the sandbox was made for. */
static void
test_hosts_beyond_reach(struct dns *dns, struct dns_query *q)
{
	const struct sandbox_path other = {"/etc/hostname", SANDBOX_READ};
	struct sandbox s;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sandbox_files(&s, SANDBOX_OUT, &other, 1);
		if (s.landlock == 0)
			_exit(77);
		_exit(addresses(dns, q, "localhost") != DNS_SOFT);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) &&
	       (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77),
	   "a hosts file beyond reach: soft%s",
	   WEXITSTATUS(status) == 77 ? " # SKIP no landlock here" : "");
}

/* Forged answers as fast as they can be sent: others have their turn. */
static void
test_flood(struct dns *dns, struct dns_query *q)
{
	unsigned rounds;

	n_done = 0;
	dns_addresses(dns, q, SLICE("guessed.test"), 25, done);
	for (rounds = 0; n_done == 0 && rounds < 20000; rounds++)
		loop_round(&loop, 100);
	ok(n_done == 1 && q->result == DNS_FOUND, "the true answer comes");
	ok(rounds >= 6, "behind 100 others, in %u rounds", rounds);
}

/* A thousand that get no answer, and one beside them that does. */
static void
test_silence(struct dns *dns)
{
	static struct dns_query silent[1000], good;
	unsigned i;

	for (i = 0; i < 1000; i++) { /* the server reads one a round */
		dns_mx(dns, &silent[i], SLICE("dead.test"), done);
		loop_round(&loop, 0);
		loop_round(&loop, 0);
	}
	n_done = 0;
	dns_mx(dns, &good, SLICE("mx.test"), done);
	for (i = 0; i < 2000 && n_done == 0; i++)
		loop_round(&loop, 1);
	ok(n_done == 1 && good.result == DNS_FOUND,
	   "1,000 questions without an answer, and one beside them");
	for (i = 0; i < 1000; i++)
		dns_cancel(&silent[i]);
	ok(mx(dns, &good, "mx.test") == DNS_FOUND, "and behind them");
}

static void
test_close(struct dns *dns)
{
	static struct dns_query told, cancelled;

	n_done = 0;
	told.result = DNS_FOUND;
	dns_mx(dns, &told, SLICE("dead.test"), done);
	dns_addresses(dns, &cancelled, SLICE("dead.test"), 25, done);
	dns_cancel(&cancelled);
	loop_round(&loop, 10);
	dns_close(dns);
	ok(n_done == 1 && told.result == DNS_SOFT,
	   "closing ends what is under way, softly");
}

/* A server that is not there. */
static void
test_unheard(struct dns_query *q)
{
	struct buf servers = {0};
	struct dns *dns;

	setenv("QUAIL_DNS", "127.0.0.1:1,[::1]:1", 1);
	dns = dns_open(&loop);
	ok(mx(dns, q, "mx.test") == DNS_SOFT && q->is_unheard,
	   "nobody answers for MX");
	ok(addresses(dns, q, "four.test") == DNS_SOFT && q->is_unheard,
	   "nor for addresses");
	dns_servers(dns, &servers);
	ok(slice_eq(buf_slice(&servers), SLICE("127.0.0.1 ::1")),
	   "who was asked is known");
	buf_free(&servers);
	dns_close(dns);
}

int
main(void)
{
	struct dns_query *q = calloc(1, sizeof *q);
	struct dns *dns;

	log_program("dns_test");
	loop_init(&loop);
	start_server();
	dns = dns_open(&loop);
	test_addresses(dns, q);
	test_mx(dns, q);
	test_guesses(dns, q);
	test_flood(dns, q);
	test_many(dns);
	test_silence(dns);
	test_hosts_beyond_reach(dns, q);
	test_close(dns);
	test_unheard(q);
	loop_forget(&loop, &server_io);
	close(server_io.fd);
	loop_forget(&loop, &tcp_io);
	close(tcp_io.fd);
	loop_free(&loop);
	free(q);
	return tap_done();
}
