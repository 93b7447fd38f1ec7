/* quail_hop_test.c - qmtpc and a next hop that speaks quail/1: one package
 * for many, parameters, limits that are told, greetings that are none */
#include "lib/frame.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "lib/tls.h"
#include "qmtpd/pool.h"
#include "qmtpd/qmtp.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOBS_MAX = 50, SERVED_MAX = 64 };

static struct loop loop;
static struct pool pool;
static struct tls_key *key;
static const char agent_path[] = "agent";
static const char *const protocols[] = {QUAIL_PROTOCOL};

static void
rounds(int n)
{
	while (n-- > 0)
		loop_round(&loop, 1);
}

/* the next hop */

struct served {
	struct conn conn;
	struct qmtp machine;
	size_t text_len;
	struct buf replies;
};

static struct hophost {
	struct loop_io listener;
	uint16_t port;
	bool plain;	      /* offers no protocol */
	bool silent;	      /* answers nothing */
	bool is_short;	      /* one reply a package */
	const char *greeting; /* NULL: by takes */
	struct quail_takes takes;
	struct served *served[SERVED_MAX];
	size_t n_served, n_packages;
	struct buf story;
} host;

static void
host_tell(const char *what, struct slice s)
{
	buf_text(&host.story, what);
	buf_putc(&host.story, '(');
	buf_puts(&host.story, s);
	buf_text(&host.story, ") ");
}

static void
host_rcpt(struct served *s, struct slice rcpt)
{
	host_tell("rcpt", rcpt);
	if (qmtp_params(&s->machine).len > 0)
		host_tell("params", qmtp_params(&s->machine));
	netstring_put(&s->replies, slice_starts(rcpt, SLICE("no"))
				       ? SLICE("Dnot here (#5.1.1)")
				       : SLICE("Kok"));
}

static void
host_answers(struct served *s)
{
	struct slice all = buf_slice(&s->replies), one;

	if (host.is_short && netstring_slice(&all, &one) == 0)
		buf_cut(&s->replies, s->replies.len - all.len);
	conn_put(&s->conn, buf_slice(&s->replies));
	buf_clear(&s->replies);
}

static void
host_event(struct served *s, enum qmtp_event event, struct slice piece)
{
	struct buf number = {0};

	switch (event) {
	case QMTP_BEGIN: s->text_len = 0; break;
	case QMTP_TEXT: s->text_len += piece.len; break;
	case QMTP_PARAMS:
		if (piece.len > 0)
			host_tell("params", piece);
		break;
	case QMTP_RCPT: host_rcpt(s, piece); break;
	case QMTP_END:
		buf_number(&number, s->text_len);
		host_tell("text", buf_slice(&number));
		buf_free(&number);
		host.n_packages++;
		if (!host.silent)
			host_answers(s);
		break;
	default: break;
	}
}

static void
host_greets(struct served *s)
{
	s->machine.quail = tls_protocol(&s->conn.stream) != NULL;
	if (host.greeting)
		conn_put(&s->conn, slice_text(host.greeting));
	else if (s->machine.quail)
		quail_greet(&s->conn.out, &host.takes);
	conn_flush_later(&s->conn);
}

static void
host_conn(struct conn *c, enum conn_event event)
{
	struct served *s = OWNER(c, struct served, conn);
	struct slice in = buf_slice(&c->in), piece;
	size_t before = in.len;
	enum qmtp_event e = QMTP_BEGIN;

	if (event == CONN_OPEN)
		host_greets(s);
	if (event == CONN_EOF || event == CONN_BROKEN)
		conn_close(c);
	while (event == CONN_INPUT && e != QMTP_MORE && e != QMTP_BAD) {
		e = qmtp_push(&s->machine, &in, &piece);
		ok_quiet(e != QMTP_BAD, "our client speaks quail/1");
		host_event(s, e, piece);
	}
	if (event == CONN_INPUT)
		buf_take(&c->in, before - in.len);
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
	tls_server(&s->conn.stream, key);
	if (!host.plain)
		tls_protocols(&s->conn.stream, protocols, 1);
	s->conn.tell_open = true;
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

static void
host_close_conns(void)
{
	size_t i;

	for (i = 0; i < host.n_served; i++) {
		conn_close(&host.served[i]->conn);
		buf_free(&host.served[i]->replies);
		free(host.served[i]);
	}
	host.n_served = 0;
	rounds(5);
}

/* the queue */

static struct queue {
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
			buf_putc(&text, 'a');
			queue.sent[job]++;
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

	if (f->id >= JOBS_MAX)
		return;
	if (f->type == 'V') {
		ok_quiet(verdict_parse_agent(&v, f->rest) == 0, "a verdict");
		buf_putc(&queue.verdicts[f->id], verdict_letter(&v));
		if (v.code != 'K')
			buf_puts(&queue.verdicts[f->id], verdict_status(&v));
		buf_putc(&queue.verdicts[f->id], ' ');
		queue.n_verdicts++;
	} else if (f->type == 'W') {
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
	if (fd >= 0 && !queue.conn.is_open)
		conn_open_take(&queue.conn, &loop, fd, queue_event);
	else if (fd >= 0)
		close(fd);
}

static char here[200];

/* attrs, rcpts: words. Returns the job's number. */
static uint64_t
job(uint64_t size, const char *attrs, const char *rcpts)
{
	struct slice rest = slice_text(rcpts), word;
	uint64_t n = ++queue.n_jobs;
	char text[260];

	queue.size[n] = size;
	queue.sent[n] = 0;
	queue.credit[n] = AGENT_CREDIT;
	buf_clear(&queue.verdicts[n]);
	frame_put(&queue.conn.out, 'O', n, SLICE(""));
	snprintf(text, sizeof text, "nexthop=%s", here);
	frame_put(&queue.conn.out, 'P', n, slice_text(text));
	snprintf(text, sizeof text, "size=%llu", (unsigned long long)size);
	frame_put(&queue.conn.out, 'P', n, slice_text(text));
	frame_put(&queue.conn.out, 'S', n, SLICE("s@a.test"));
	while ((word = slice_word(&rest)).len > 0)
		frame_put(&queue.conn.out, 'R', n, word);
	rest = slice_text(attrs);
	while ((word = slice_word(&rest)).len > 0)
		frame_put(&queue.conn.out, 'P', n, word);
	frame_put(&queue.conn.out, 'C', n, SLICE(""));
	queue_text(n);
	return n;
}

static void
fresh(void)
{
	host_close_conns();
	rounds(10);
	host.n_packages = 0;
	host.plain = host.silent = false;
	host.greeting = NULL;
	host.takes = (struct quail_takes){1000000, 100, 2560};
	buf_clear(&host.story);
	queue.n_jobs = queue.n_verdicts = 0;
}

static void
wait_verdicts(size_t n)
{
	int i;

	for (i = 0; i < 3000 && queue.n_verdicts < n; i++)
		rounds(1);
	rounds(5);
}

static bool
says(uint64_t n, const char *expected)
{
	return slice_eq(buf_slice(&queue.verdicts[n]), slice_text(expected));
}

static bool
told(const char *story)
{
	bool good = slice_eq(buf_slice(&host.story), slice_text(story));

	if (!good)
		fprintf(stderr, "# %.*s\n", (int)host.story.len,
			buf_slice(&host.story).at);
	return good;
}

static void
test_batches(void)
{
	fresh();
	job(100, "", "a@x no@x c@x");
	wait_verdicts(3);
	ok(says(1, "K D5.1.1 K "), "three recipients, a verdict each");
	ok(told("rcpt(a@x) rcpt(no@x) rcpt(c@x) text(100) "), "in one package");
	job(0, "", "d@x");
	job(5, "", "e@x f@x");
	wait_verdicts(6);
	ok(says(2, "K ") && says(3, "K K ") && host.n_packages == 3,
	   "a package each");
	ok(host.n_served == 1, "on one connection");

	fresh();
	host.takes.rcpts = 2;
	job(100, "", "a@x b@x no@x d@x e@x");
	wait_verdicts(5);
	ok(says(1, "K K D5.1.1 K K ") && host.n_packages == 3,
	   "no more in a package than the next hop takes");
}

static void
test_params(void)
{
	static char many[6000], rcpts[600];
	int i;

	fresh();
	job(1,
	    "ret=HDRS envid=x+2B notify.1=NEVER orcpt.0=rfc822;o@x "
	    "client=10.0.0.1 notify.2=WRONG",
	    "a@x b@x c@x");
	wait_verdicts(3);
	ok(told("params(8:ret=HDRS,10:envid=x+2B,) rcpt(a@x) "
		"params(16:orcpt=rfc822;o@x,) rcpt(b@x) "
		"params(12:notify=NEVER,) rcpt(c@x) text(1) "),
	   "parameters go along, and only they");

	fresh();
	host.takes.params = 1100;
	for (i = 0; i < 60; i++) {
		snprintf(many + strlen(many), 80, "orcpt.%d=rfc822;%040d ", i,
			 i);
		snprintf(rcpts + strlen(rcpts), 14, "r%d ", i);
	}
	job(1, many, rcpts);
	wait_verdicts(60);
	ok(queue.n_verdicts == 60 && host.n_packages == 4,
	   "as many recipients as their parameters fit: %zu packages",
	   host.n_packages);

	fresh();
	host.plain = true;
	job(1, "ret=HDRS notify.0=NEVER", "a@x b@x");
	wait_verdicts(2);
	ok(told("rcpt(a@x) text(1) rcpt(b@x) text(1) "),
	   "plain QMTP: one recipient a package, no parameters");
}

static void
test_size(void)
{
	fresh();
	host.takes.size = 100;
	job(100, "", "a@x b@x");
	job(101, "", "c@x d@x");
	job(100, "", "e@x");
	wait_verdicts(5);
	ok(says(1, "K K ") && says(2, "D5.3.4 D5.3.4 ") && says(3, "K "),
	   "what is too large is refused here");
	ok(told("rcpt(a@x) rcpt(b@x) text(100) rcpt(e@x) text(100) "),
	   "and not sent");
	job(900000, "", "a@x");
	job(900000, "", "a@x b@x");
	wait_verdicts(8);
	ok(says(4, "D5.3.4 ") && says(5, "D5.3.4 D5.3.4 "), "also large ones");
}

static void
test_large(void)
{
	fresh();
	job(900000, "", "a@x no@x b@x");
	wait_verdicts(3);
	ok(says(1, "K D5.1.1 K ") && host.n_packages == 1,
	   "a large one for three goes over the wire once");
	job(900000, "ret=FULL", "a@x b@x");
	rounds(3);
	ok(pool.hoard == 0, "and the next is not hoarded");
	wait_verdicts(5);
	ok(says(2, "K K ") && host.n_packages == 2, "nor sent twice");

	host.silent = true;
	job(1, "", "a@x");
	rounds(50);
	host.plain = true;
	host.silent = false;
	job(900000, "", "a@x b@x");
	wait_verdicts(7);
	ok(says(4, "H4.4.2 H4.4.2 "), "quail/1 is gone there: tried again");
	job(900000, "", "a@x b@x");
	wait_verdicts(9);
	ok(says(5, "K K ") && host.n_packages == 5, "by plain QMTP");
	host_answers(host.served[0]);
	wait_verdicts(10);
	ok(says(3, "K "), "the first connection stays as it was");
	ok(pool.hoard == 0, "nothing is hoarded any more");
}

/* One reply for a package of three: nobody has answered for the others. */
static void
test_short(void)
{
	fresh();
	host.is_short = true;
	job(1, "", "a@x b@x c@x");
	wait_verdicts(1);
	rounds(50);
	ok(host.n_packages == 1 && says(1, "K "), "one K of three");
	conn_close(&host.served[0]->conn);
	wait_verdicts(3);
	ok(says(1, "K H4.4.2 H4.4.2 "), "the others are no K");
	host.is_short = false;
}

static void
test_greetings(void)
{
	static const char *const wrong[] = {"3:Kok,", "220 hub\r\n", "0:,",
					    "1025:"};
	size_t i;

	for (i = 0; i < 4; i++) {
		fresh();
		host.greeting = wrong[i];
		job(1, "", "a@x b@x");
		wait_verdicts(2);
		ok(says(1, "U4.4.1 U4.4.1 ") && host.n_packages == 0,
		   "no greeting: %.5s", wrong[i]);
	}
	fresh();
	host.greeting = "39:9:size=1000,9:rcpts=100,11:params=3072,,3:Kok,";
	job(1, "", "a@x b@x");
	wait_verdicts(2);
	ok(says(1, "U4.4.1 U4.4.1 "), "a reply before any package");
	fresh();
	host.greeting = "";
	job(1, "", "a@x");
	rounds(100);
	ok(host.n_packages == 0 && queue.n_verdicts == 0,
	   "nothing is sent before the greeting");
	conn_put(&host.served[0]->conn,
		 SLICE("39:9:size=1000,9:rcpts=100,11:params=3072,,"));
	wait_verdicts(1);
	ok(says(1, "K "), "but behind it");
}

static void
make_key(void)
{
	struct buf cert = {0}, private = {0}, why = {0};
	struct tls_pin pin;
	struct buf text = {0};
	FILE *f;

	tls_key_make("hop.test", &cert, &private, &pin);
	f = fopen("cert.pem", "w");
	fwrite(buf_slice(&cert).at, 1, cert.len, f);
	fclose(f);
	f = fopen("key.pem", "w");
	fwrite(buf_slice(&private).at, 1, private.len, f);
	fclose(f);
	chmod("key.pem", 0600);
	key = tls_key_open("cert.pem", "key.pem", &why);
	tls_pin_put(&text, &pin);
	buf_putc(&text, 0);
	snprintf(here, sizeof here, "qmtps:127.0.0.1:%u/%s", host.port,
		 buf_slice(&text).at);
	buf_free(&cert), buf_free(&private), buf_free(&why), buf_free(&text);
}

int
main(void)
{
	char dir[] = "/tmp/quail-hop-XXXXXX", command[64];
	struct dns *dns;
	size_t i;

	if (!mkdtemp(dir) || chdir(dir) != 0)
		return 111;
	loop_init(&loop);
	queue.listener = (struct loop_io){unix_listen(agent_path, 0600),
					  LOOP_READ, queue_accepts};
	loop_watch(&loop, &queue.listener);
	host_open();
	make_key();
	dns = dns_open(&loop);
	pool_init(&pool, &loop, dns, "none");
	pool_secure(&pool, agent_path);
	rounds(5);
	test_batches();
	test_params();
	test_size();
	test_large();
	test_short();
	test_greetings();
	pool_close(&pool);
	dns_close(dns);
	conn_close(&queue.conn);
	host_close_conns();
	for (i = 0; i < JOBS_MAX; i++)
		buf_free(&queue.verdicts[i]);
	buf_free(&host.story);
	tls_key_close(key);
	loop_forget(&loop, &queue.listener);
	loop_forget(&loop, &host.listener);
	loop_free(&loop);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) == 0 ? tap_done() : 1;
}
