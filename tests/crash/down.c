/* down.c - crash-down: the power of one file system fails
 *
 * usage: crash-down DIR LEDGER
 *
 * The file system of DIR stops at once, without writing its journal: what the
 * disk has by then is all there is. ext4 and xfs know this call. A sync that
 * runs while it is made may return 0 and have done nothing, so LEDGER gets an
 * "X" before: what is acknowledged behind that would have been heard by nobody.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GOING_DOWN	  _IOR('X', 125, uint32_t)
#define WITHOUT_LOG_FLUSH 2

int
main(int argc, char **argv)
{
	uint32_t how = WITHOUT_LOG_FLUSH;
	int fd, ledger;

	if (argc != 3)
		errx(100, "usage: crash-down DIR LEDGER");
	fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	ledger = open(argv[2], O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (fd < 0 || ledger < 0)
		err(111, "%s", argv[1]);
	if (write(ledger, "X\n", 2) != 2)
		err(111, "%s", argv[2]);
	if (ioctl(fd, GOING_DOWN, &how) != 0)
		err(111, "shutting down %s", argv[1]);
	return 0;
}
