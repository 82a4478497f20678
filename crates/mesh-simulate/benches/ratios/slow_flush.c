/* A disk whose flush takes 100 ms more, for the process that preloads this. */

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_longer(void)
{
    struct timespec time = {0, 100 * 1000 * 1000};
    nanosleep(&time, 0);
}

int fsync(int file)
{
    wait_longer();
    return syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    wait_longer();
    return syscall(SYS_fdatasync, file);
}
