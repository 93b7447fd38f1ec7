/* replay - feed a harness what is in files, without libFuzzer
 *
 *   NAME PACK     each netstring of the file is an input (corpus.pl packs)
 *   NAME -f FILE  the file is the input: what a fuzzer has left behind
 *
 * Prints one line of TAP: the harness ends the process when a property does
 * not hold, and says which input it was.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned n_inputs;
static const char *file;

static void
run(struct slice input)
{
	char *copy = fuzz_exact(input);

	n_inputs++;
	LLVMFuzzerTestOneInput((const uint8_t *)copy, input.len);
	free(copy);
}

static void
read_file(struct buf *b)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		perror(file);
		exit(111);
	}
	while ((n = read(fd, buf_room(b, 65536), 65536)) > 0)
		buf_added(b, (size_t)n);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct buf all = {0};
	struct slice rest, input;
	bool whole = argc == 3 && strcmp(argv[1], "-f") == 0;

	if (argc != 2 && !whole) {
		fprintf(stderr, "usage: %s PACK, or -f FILE\n", argv[0]);
		return 100;
	}
	file = argv[argc - 1];
	read_file(&all);
	rest = buf_slice(&all);
	if (whole)
		run(rest);
	while (!whole && rest.len > 0) {
		if (fuzz_netstring(&rest, &input) != 0) {
			fprintf(stderr, "%s: not a pack of inputs\n", file);
			return 111;
		}
		run(input);
	}
	buf_free(&all);
	printf("1..1\nok 1 - %u inputs of %s\n", n_inputs, file);
	return 0;
}
