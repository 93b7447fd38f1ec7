/* map_test - the compiled file: damage, failing disks, many keys */
#include "cdb/map.h"

#include "cdb/config.h"
#include "cdb/digest.h"
#include "cdb/seen.h"
#include "lib/fs.h"
#include "tests/tables.h"

#include <errno.h>

static void
test_digest(void)
{
	struct digest a, b;
	char hex[2][DIGEST_HEX];

	digest_init(&a);
	digest_push(&a, SLICE("ab"));
	digest_push(&a, SLICE("c"));
	digest_end(&a, hex[0]);
	digest_init(&b);
	digest_push(&b, SLICE("a"));
	digest_push(&b, SLICE("bc"));
	digest_end(&b, hex[1]);
	ok(memcmp(hex[0], hex[1], DIGEST_HEX) != 0, "cuts count");
	digest_init(&b);
	digest_push(&b, SLICE("ab"));
	digest_push(&b, SLICE("c"));
	digest_end(&b, hex[1]);
	ok(memcmp(hex[0], hex[1], DIGEST_HEX) == 0, "the same is the same");
}

static void
test_seen(void)
{
	struct seen s = {0};
	bool good = true;
	uint32_t i;

	ok(seen_get(&s, "a", SLICE("x")) == 0, "an empty set has nothing");
	for (i = 1; i <= 50000; i++) {
		struct slice key = slice_of((const char *)&i, sizeof i);

		good = good && seen_put(&s, "a", key, i) == 0 &&
		       seen_put(&s, "a", key, 7) == i &&
		       seen_get(&s, "b", key) == 0;
	}
	for (i = 1; i <= 50000; i++)
		good =
		    good && seen_get(&s, "a",
				     slice_of((const char *)&i, sizeof i)) == i;
	ok(good, "fifty thousand keys");
	seen_free(&s);
}

static bool
opens(const char *name)
{
	struct buf why = {0};
	struct config c;
	int r = config_open(&c, name, &why);

	ok_quiet(r == 0 || (why.len > 0 &&
			    slice_find(buf_slice(&why), '\n') == why.len),
		 "a reason of one line");
	if (r == 0)
		config_close(&c);
	buf_free(&why);
	return r == 0;
}

/* A new file each time: ext4 waits for the disk when one is cut and written. */
static bool
copy_opens(const char *at, size_t len)
{
	unlink("copy.cdb");
	write_file("copy.cdb", at, len);
	return opens("copy.cdb");
}

static uint64_t
next_random(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void
test_damaged(void)
{
	struct buf good = {0};
	unsigned wrong = 0;
	char *at;
	size_t i;

	no_tables();
	table("me", "hub.example\n");
	table("routes", "* smtp:mx\n");
	says("a small one", BUILD_DONE, "", "");
	read_all("config.cdb", &good);
	at = good.mem + good.off;
	write_file("copy.cdb", at, good.len);
	ok(opens("copy.cdb"), "an exact copy is good");
	for (i = 0; i < good.len; i++) {
		wrong += copy_opens(at, i);
	}
	ok(wrong == 0, "cut at each of %zu bytes: refused", good.len);
	for (i = 0; i < good.len * 8; i++) {
		at[i / 8] = (char)(at[i / 8] ^ 1 << i % 8);
		wrong += copy_opens(at, good.len);
		at[i / 8] = (char)(at[i / 8] ^ 1 << i % 8);
	}
	ok(wrong == 0, "each of %zu bits flipped: refused", good.len * 8);
	wrong = 0;
	for (i = 0; i < 3000; i++) { /* several bits, anywhere, together */
		struct buf bad = {0};
		unsigned n = 2 + (unsigned)(next_random() % 15);

		buf_puts(&bad, buf_slice(&good));
		while (n-- > 0)
			bad.mem[next_random() % bad.len] ^=
			    (char)(1 << next_random() % 8);
		if (!slice_eq(buf_slice(&bad), buf_slice(&good))) {
			wrong += copy_opens(bad.mem, bad.len);
		}
		buf_free(&bad);
	}
	ok(wrong == 0, "many bits flipped at random, 3000 times: refused");
	buf_putc(&good, 'x');
	write_file("copy.cdb", good.mem + good.off, good.len);
	ok(!opens("copy.cdb"), "a byte more: refused");
	ok(!opens("nothing.cdb") && !opens(".") && !opens("/dev/null"),
	   "not there, a directory, a device: refused");
	buf_free(&good);
}

/* A step of the writer fails: the old file stays, and nothing beside it. */

static int fail_sync, fail_rename;

static int
failing_sync(int fd)
{
	if (fail_sync > 0 && --fail_sync == 0) {
		errno = EIO;
		return -1;
	}
	return fs_kernel.sync(fd);
}

static int
failing_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	if (fail_rename) {
		errno = fail_rename;
		return -1;
	}
	return fs_kernel.rename(from_dir, from, to_dir, to);
}

static void
test_failures(void)
{
	struct fs_calls calls = fs_kernel;

	calls.sync = failing_sync;
	calls.rename = failing_rename;
	good_tables();
	fs_use(&calls);
	fail_sync = 1;
	says("sync fails", BUILD_FAILED, "",
	     "config.cdb: Input/output error\n");
	fail_rename = EIO;
	says("rename fails", BUILD_FAILED, "",
	     "config.cdb: Input/output error\n");
	fail_rename = 0;
	fail_sync = 2;
	says("the directory's sync fails", BUILD_FAILED, "",
	     "config.cdb: Input/output error\n");
	fs_use(&fs_kernel);
	ok(access("config.cdb.tmp", F_OK) != 0 && opens("config.cdb"),
	   "a whole file is there, and no other");
	write_file("config.cdb.tmp", "x", 1);
	says("a killed writer's rest", BUILD_DONE, "", "");
	ok(access("config.cdb.tmp", F_OK) != 0, "is taken away");
}

static ino_t
inode(void)
{
	struct stat st = {0};

	stat("config.cdb", &st);
	return st.st_ino;
}

static void
flip_in_place(off_t at)
{
	int fd = open("config.cdb", O_RDWR);
	char byte;

	if (pread(fd, &byte, 1, at) == 1) {
		byte ^= 1;
		ok(pwrite(fd, &byte, 1, at) == 1, "a flipped byte");
	}
	close(fd);
}

/* A disk that is full must not keep a node from starting. */
static void
test_same(void)
{
	struct fs_calls calls = fs_kernel;
	ino_t before;

	calls.rename = failing_rename;
	good_tables();
	says("first", BUILD_DONE, "", "");
	before = inode();
	fail_rename = ENOSPC;
	fs_use(&calls);
	says("the same again", BUILD_DONE, "", "");
	ok(inode() == before, "nothing is written");
	flip_in_place(2500);
	says("one byte is another", BUILD_NO_ROOM, "",
	     "config.cdb: No space left on device\n");
	ok(access("config.cdb.tmp", F_OK) != 0, "nothing is left");
	fs_use(&fs_kernel);
	fail_rename = 0;
	says("with room", BUILD_DONE, "", "");
	ok(inode() != before && opens("config.cdb"), "it is replaced");
}

/* The size that TinyCDB would wrap at is far; the check is on the sum. */
static void
test_too_large(void)
{
	struct slice huge = {"", (size_t)MAP_SIZE_MAX};
	int fd = fs_open_dir(AT_FDCWD, ".");
	struct map_writer *w = map_make(fd, "huge.cdb");

	ok(w && map_add(w, SLICE("k"), huge) == -1 && errno == EFBIG,
	   "over 2 GiB is refused");
	ok(w && map_add(w, huge, SLICE("")) == -1 && errno == EFBIG,
	   "in a key too");
	if (w)
		map_abort(w);
	ok(access("huge.cdb.tmp", F_OK) != 0, "and nothing is left");
	close(fd);
}

static void
test_many(void)
{
	struct buf text = {0}, room = {0}, why = {0};
	struct config_route r;
	struct config c;
	bool good = true;
	unsigned i;

	for (i = 0; i < 20000; i++) {
		buf_text(&text, "d");
		buf_number(&text, i);
		buf_text(&text, ".example qmtp:h");
		buf_number(&text, i % 100);
		buf_text(&text, ":209\n");
	}
	no_tables();
	table("me", "d1.example");
	write_file("routes", buf_slice(&text).at, text.len);
	says("twenty thousand routes", BUILD_DONE, "", "");
	if (!ok(config_open(&c, "config.cdb", &why) == 0, "it opens"))
		return;
	for (i = 0; i < 20000; i++) {
		buf_clear(&text);
		buf_text(&text, "x@d");
		buf_number(&text, i);
		buf_text(&text, ".example");
		config_route(&c, buf_slice(&text), &room, &r);
		good = good && r.decision == CONFIG_NEXTHOPS;
		buf_clear(&text);
		buf_text(&text, "routes:");
		buf_number(&text, i + 1);
		good = good && slice_eq(r.source, buf_slice(&text));
	}
	ok(good, "each is found, with its line");
	config_close(&c);
	buf_free(&text);
	buf_free(&room);
	buf_free(&why);
}

int
main(void)
{
	tables_begin();
	test_digest();
	test_seen();
	test_damaged();
	test_failures();
	test_same();
	test_too_large();
	test_many();
	unlink("copy.cdb");
	tables_end();
	return tap_done();
}
