/* leafdoor_test - the door of a leaf against front ends of all kinds: two
 * messages at a time cut anywhere, and each way to break its contract
 */
#include "qmqpc/leafdoor.h"

#include "lib/frame.h"
#include "lib/fs.h"
#include "tests/tables.h"

#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#define DOOR   "door"
#define MEMORY "/dev/shm/quail-leafdoor-XXXXXX"

static struct loop loop;
static struct config config;
static struct leafdoor door = {.loop = &loop, .config = &config};

static void
rounds(unsigned n)
{
	while (n-- > 0)
		loop_round(&loop, 0);
}

/* the client: a bare socket */

struct client {
	int fd;
	uint64_t lease, n_leased; /* the last range */
	struct buf in;
	bool closed;
};

static void
client_read(struct client *c)
{
	struct slice in;
	struct frame f;
	size_t before;
	ssize_t n;

	rounds(4);
	while ((n = recv(c->fd, buf_room(&c->in, 4096), 4096, MSG_DONTWAIT)) >
	       0)
		buf_added(&c->in, (size_t)n);
	c->closed = c->closed || n == 0;
	in = buf_slice(&c->in);
	while ((before = in.len) > 0 && frame_next(&in, &f) == FRAME_DONE &&
	       f.type == 'L') {
		c->lease = f.id;
		ok_quiet(slice_number(f.rest, UINT32_MAX, &c->n_leased) == 0,
			 "a range says how long it is");
		buf_take(&c->in, before - in.len);
		in = buf_slice(&c->in);
	}
}

static struct client
client_open(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = DOOR};
	struct client c = {.fd = socket(AF_UNIX, SOCK_STREAM, 0)};

	if (connect(c.fd, (struct sockaddr *)&at, sizeof at) != 0) {
		perror(DOOR);
		exit(111);
	}
	client_read(&c);
	return c;
}

static void
client_close(struct client *c)
{
	close(c->fd);
	buf_free(&c->in);
	rounds(4);
}

static void
client_write(struct client *c, struct slice bytes)
{
	if (bytes.len > 0 && send(c->fd, bytes.at, bytes.len, MSG_NOSIGNAL) < 0)
		c->closed = true;
	client_read(c);
}

/* The next reply: "ID CODE", ids counted from zero; "" when there is none. */
static const char *
reply(struct client *c, uint64_t zero)
{
	struct slice in = buf_slice(&c->in);
	static char text[64];
	size_t before = in.len;
	struct frame f;

	text[0] = 0;
	if (frame_next(&in, &f) != FRAME_DONE || f.type != 'V')
		return text;
	snprintf(text, sizeof text, "%d %c", (int)(f.id - zero), f.rest.at[0]);
	buf_take(&c->in, before - in.len);
	return text;
}

/* the spool */

static unsigned
spooled(void)
{
	DIR *d = opendir("spool");
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static bool
spool_has(uint64_t id, const char *what, bool drop)
{
	char path[64] = "spool/";
	struct buf all = {0};
	bool has;

	spool_name(path + 6, "m.", id);
	read_all(path, &all);
	buf_putc(&all, 0);
	has = memmem(buf_slice(&all).at, all.len, what, strlen(what)) != NULL;
	buf_free(&all);
	if (drop)
		unlink(path);
	return has;
}

/* A story: "O0 T0=text S0=a@b R0=c@d C0 ...", a word a frame; ids from zero. */
static void
frames(struct buf *out, const char *story, uint64_t zero)
{
	struct slice rest = slice_text(story), word, value;
	char *end;
	uint64_t id;

	while ((word = slice_word(&rest)).len > 0) {
		id = zero + strtoull(word.at + 1, &end, 10);
		value = slice_from(word, slice_find(word, '='));
		if (value.len > 0)
			value = slice_from(value, 1);
		frame_put(out, word.at[0], id, value);
	}
}

#define TWO                                                                    \
	"O0 S0=a@b.test T0=Subject:one O1 R0=c@d.test T1=Subject:two "         \
	"R1=g@h.test R0=e@f.test P0=client=x R1=i@j.test S1= C1 C0"

static bool
two_arrived(struct client *c, uint64_t zero)
{
	bool good = !strcmp(reply(c, zero), "1 K");

	good = !strcmp(reply(c, zero), "0 K") && good;
	return good && spool_has(zero, "8:c@d.test,8:e@f.test,", false) &&
	       spool_has(zero, "Subject:one", false) &&
	       spool_has(zero, "8:a@b.test,", true) &&
	       spool_has(zero + 1, "8:g@h.test,8:i@j.test,", false) &&
	       spool_has(zero + 1, "Subject:two", true);
}

/* All on one connection: behind each pair the next ids. */
static void
test_every_cut(void)
{
	struct client c = client_open();
	struct buf bytes = {0};
	unsigned good = 0;
	uint64_t zero = c.lease;
	size_t cut;

	frames(&bytes, TWO, zero);
	for (cut = 0; cut < bytes.len; cut++) {
		struct slice all;

		buf_clear(&bytes);
		frames(&bytes, TWO, zero);
		all = buf_slice(&bytes);
		client_write(&c, slice_of(all.at, cut));
		client_write(&c, slice_from(all, cut));
		good += two_arrived(&c, zero);
		zero += 2;
	}
	ok(good == cut && cut > 250 && spooled() == 0,
	   "two messages of two recipients, at all of %zu cuts: %u", cut, good);
	buf_clear(&bytes);
	frames(&bytes, TWO, zero);
	for (cut = 0; cut < bytes.len; cut++)
		client_write(&c, slice_of(bytes.mem + bytes.off + cut, 1));
	ok(two_arrived(&c, zero), "byte by byte");
	ok(!c.closed && door.n_open == 0, "nothing is left open");
	buf_free(&bytes);
	client_close(&c);
}

/* What is said in return, and whether the connection stays. */
static const struct {
	const char *story, *replies;
	bool closed;
} cases[] = {
    {"O0 S0=a@b.test C0", "0 D", false},	     /* nobody to send it to */
    {"O0 S0=a@b R0= C0", "0 D", false},		     /* to no address */
    {"O0 R0=c@d.test C0", "", true},		     /* no sender */
    {"O0 S0=a@b.test S0=a@b.test", "", true},	     /* two */
    {"O0 O0", "", true},			     /* opened twice */
    {"O5 O4", "", true},			     /* an older id */
    {"O65536", "", true},			     /* not leased */
    {"O65535 O131071", "", false},		     /* of the range after it */
    {"T0=x", "", true},				     /* not open */
    {"A0", "", false},				     /* over already */
    {"O0 S0=a@b.test R0=c@d.test A0 C0", "", true},  /* abandoned */
    {"O0 S0=a@b.test R0=c@d.test A0 A0", "", false}, /* and no reply */
    {"O0 X0", "", true},			     /* no such letter */
    {"O0 L0=5", "", true},			     /* the door's own */
    {"O0 S0=a@b.test C0 C0", "", true},		     /* committed twice */
};

static void
test_contract(void)
{
	struct client other = client_open();
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct client c = client_open();
		struct buf bytes = {0};
		uint64_t zero = c.lease;
		bool good;

		frames(&bytes, cases[i].story, zero);
		client_write(&c, buf_slice(&bytes));
		good =
		    !strcmp(reply(&c, zero), cases[i].replies) && c.in.len == 0;
		ok(good && c.closed == cases[i].closed && spooled() == 0,
		   "%s: \"%s\"%s", cases[i].story, cases[i].replies,
		   cases[i].closed ? ", and closed" : "");
		buf_free(&bytes);
		client_close(&c);
	}
	ok(door.n_open == 0, "nothing of theirs is left open");
	client_read(&other);
	ok(!other.closed, "who is beside them hears nothing of it");
	client_close(&other);
}

static void
test_others_ids(void)
{
	struct client a = client_open(), b = client_open();
	struct buf bytes = {0};

	ok(a.n_leased == LEAFDOOR_LEASE && b.n_leased == LEAFDOOR_LEASE &&
	       (a.lease > b.lease ? a.lease - b.lease : b.lease - a.lease) >=
		   LEAFDOOR_LEASE,
	   "each connection has a range of its own");
	frames(&bytes, "O0", b.lease);
	client_write(&a, buf_slice(&bytes));
	ok(a.closed, "an id of another's range is refused");
	client_write(&b, SLICE("nonsense"));
	ok(b.closed, "so is what is no frame");
	buf_free(&bytes);
	client_close(&a);
	client_close(&b);
}

static void
test_new_range(void)
{
	struct client c = client_open();
	struct buf bytes = {0};
	uint64_t first = c.lease;

	frames(&bytes, "O32767", first);
	client_write(&c, buf_slice(&bytes));
	ok(c.lease == first, "before the middle of a range there is no other");
	buf_clear(&bytes);
	frames(&bytes, "O32768", first);
	client_write(&c, buf_slice(&bytes));
	ok(c.lease != first && !c.closed, "from it on there is");
	buf_clear(&bytes);
	frames(&bytes, "O65535 A65535", first);
	frames(&bytes, "O0 A0", c.lease);
	client_write(&c, buf_slice(&bytes));
	ok(!c.closed, "the old one is good to its end, then the new one");
	buf_free(&bytes);
	client_close(&c);
}

/* Past the limit the oldest message is refused, not the connection, and not
 * whoever comes. */
static void
test_open_max(void)
{
	struct client c = client_open();
	struct buf bytes = {0};
	uint64_t i;

	for (i = 0; i <= LEAFDOOR_OPEN_MAX; i++)
		frame_put(&bytes, 'O', c.lease + i, SLICE(""));
	frames(&bytes, "S256=a@b.test R256=c@d.test C256", c.lease);
	frames(&bytes, "S0=a@b.test R0=c@d.test C0", c.lease);
	client_write(&c, buf_slice(&bytes));
	ok(!strcmp(reply(&c, c.lease), "256 K") &&
	       !strcmp(reply(&c, c.lease), "0 Z") && !c.closed &&
	       spool_has(c.lease + 256, "c@d.test", true) &&
	       door.n_open == LEAFDOOR_OPEN_MAX - 1,
	   "one too many at a time: the newest gets K, the oldest Z");
	buf_free(&bytes);
	client_close(&c);
	ok(door.n_open == 0, "a client that goes leaves nothing open");
}

static void
test_stop(void)
{
	struct client c = client_open();
	struct buf bytes = {0};

	frames(&bytes, "O0 S0=a@b.test R0=c@d.test R0=e@f.test C0", c.lease);
	send(c.fd, bytes.mem + bytes.off, bytes.len, MSG_NOSIGNAL);
	rounds(1);
	leafdoor_stop(&door);
	client_read(&c);
	ok(c.closed && leafdoor_is_over(&door),
	   "stop: closed, and all is over");
	ok((spooled() == 1) == !strcmp(reply(&c, c.lease), "0 K"),
	   "stop: what is in the spool was answered, and nothing else");
	spool_has(c.lease, "", true);
	buf_free(&bytes);
	client_close(&c);
}

/* In memory where that can be: 700 messages are synced here. */
static void
open_spool(char *memory)
{
	if (mkdtemp(memory) && symlink(memory, "spool") != 0)
		perror("spool");
	if (spool_open_or_make(&door.spool, "spool/.") != 0) {
		perror("spool");
		exit(111);
	}
}

int
main(void)
{
	char memory[] = MEMORY;

	tables_begin();
	signal(SIGPIPE, SIG_IGN);
	table("me", "leaf.test\n");
	table("qmqpservers", "127.0.0.1:9\n");
	says("tables", BUILD_DONE, "", "");
	config_open_or_die(&config, "config.cdb");
	loop_init(&loop);
	open_spool(memory);
	leafdoor_start(&door, DOOR);
	test_every_cut();
	test_contract();
	test_others_ids();
	test_new_range();
	test_open_max();
	test_stop();
	spool_close(&door.spool);
	config_close(&config);
	loop_free(&loop);
	unlink(DOOR);
	rmdir(memory);
	if (unlink("spool") != 0)
		rmdir("spool");
	tables_end();
	return tap_done();
}
