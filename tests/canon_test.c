/* The smuggling boundary: all line ends and dots, at every cut. */
#include "smtp-gateway/canon.h"

#include "tests/tap.h"

#include <stdlib.h>

static const struct {
	const char *text;
	size_t len;
	const char *wire; /* NULL: refused */
} table[] = {
#define ROW(text, wire)                                                        \
	{                                                                      \
		text, sizeof(text) - 1, wire                                   \
	}
    ROW("", ".\r\n"), ROW("\n", "\r\n.\r\n"), ROW("a\n", "a\r\n.\r\n"),
    ROW("a", "a\r\n.\r\n"), ROW("a\r\n", "a\r\n.\r\n"),
    ROW("a\r", "a\r\n.\r\n"), ROW("a\rb\n", "a\r\nb\r\n.\r\n"),
    ROW("a\r\r\n", "a\r\n\r\n.\r\n"), ROW("a\n\rb\n", "a\r\n\r\nb\r\n.\r\n"),
    ROW(".", "..\r\n.\r\n"), ROW(".\n", "..\r\n.\r\n"),
    ROW("..\n", "...\r\n.\r\n"),
    ROW(".0123456789012345678901234567890123\n",
	"..0123456789012345678901234567890123\r\n.\r\n"),
    ROW("a.\n", "a.\r\n.\r\n"), ROW("a\n.b\n", "a\r\n..b\r\n.\r\n"),
    /* all that others take, or took, for the end of the text */
    ROW("a\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\r\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\r\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\r.\rMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\r.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\r\n.\rMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\n.\rMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\r.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\n\r.\r\nMAIL", "a\r\n\r\n..\r\nMAIL\r\n.\r\n"),
    ROW("a\r\r.\r\r\n.", "a\r\n\r\n..\r\n\r\n..\r\n.\r\n"),
    ROW("a\r\n\0.\r\nMAIL", NULL), ROW("\0", NULL),
    ROW("\xff\x80.\n.\xff", "\xff\x80.\r\n..\xff\r\n.\r\n")};

/* Returns the length, or -1 when it was refused. */
static int
convert(const char *text, size_t len, size_t piece, size_t room, char *wire)
{
	struct canon c = {0};
	size_t at, n = 0;

	for (at = 0; at < len; at += piece) {
		struct slice in =
		    slice_of(text + at, len - at < piece ? len - at : piece);

		while (in.len > 0) {
			size_t put;

			if (canon_push(&c, &in, wire + n, room, &put) ==
			    CANON_BAD)
				return -1;
			n += put;
			if (put > room)
				return -2;
		}
	}
	return (int)(n + canon_end(&c, wire + n));
}

static bool
row_holds(size_t row)
{
	size_t piece, room;
	char wire[256];

	for (piece = 1; piece <= table[row].len + 1; piece++)
		for (room = CANON_ROOM_MIN; room < 32; room++) {
			int n = convert(table[row].text, table[row].len, piece,
					room, wire);
			const char *want = table[row].wire;

			if (!want && n == -1)
				continue;
			if (!want || n != (int)strlen(want) ||
			    memcmp(wire, want, (size_t)n))
				return false;
		}
	return true;
}

/* What any reader must agree on: in the wire there is no bare CR or LF, and
 * the first line that is a dot is the end. */
static bool
clean(const char *wire, size_t n)
{
	size_t i, line = 0;

	for (i = 0; i < n; i++) {
		if (wire[i] == '\n' && (i == 0 || wire[i - 1] != '\r'))
			return false;
		if (wire[i] == '\r' && (i + 1 == n || wire[i + 1] != '\n'))
			return false;
		if (wire[i] != '\n')
			continue;
		if (i - line == 2 && wire[line] == '.' && i + 1 != n)
			return false;
		line = i + 1;
	}
	return n >= 3 && !memcmp(wire + n - 3, ".\r\n", 3) && line == n;
}

/* Every text of up to eight bytes out of these. */
static void
test_all_short(void)
{
	static const char alphabet[] = "\r\n.a";
	size_t len, bad = 0, tried = 0;

	for (len = 0; len <= 8; len++) {
		size_t code, codes = (size_t)1 << (2 * len);

		for (code = 0; code < codes; code++) {
			char text[8], wire[64], again[64];
			size_t i;
			int n;

			for (i = 0; i < len; i++)
				text[i] = alphabet[code >> (2 * i) & 3];
			n = convert(text, len, 8, 64, wire);
			tried++;
			if (n < 0 || !clean(wire, (size_t)n) ||
			    convert(text, len, 1, 4, again) != n ||
			    memcmp(wire, again, (size_t)n))
				bad++;
		}
	}
	ok(bad == 0, "all %zu texts of CR, LF, dot and a come out clean",
	   tried);
}

static void
test_stays_bad(void)
{
	struct canon c = {0};
	struct slice in = SLICE("a\0b");
	char room[16];
	size_t n;

	ok(canon_push(&c, &in, room, sizeof room, &n) == CANON_BAD && n == 1 &&
	       in.len == 2,
	   "up to the NUL");
	in = SLICE("more");
	ok(canon_push(&c, &in, room, sizeof room, &n) == CANON_BAD && n == 0,
	   "and nothing behind it");
}

int
main(void)
{
	size_t row;

	for (row = 0; row < sizeof table / sizeof table[0]; row++)
		ok(row_holds(row), "row %zu at every cut, in every room", row);
	test_stays_bad();
	test_all_short();
	return tap_done();
}
