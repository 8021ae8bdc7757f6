# The clients of the caches (src/cache/memcached, src/cache/redis), from Debian's packages. Neither has a
# file that find_package knows.
if(NOT PLAYHEAD_CASSANDRA)
  return()
endif()
pkg_check_modules(LIBMEMCACHED REQUIRED IMPORTED_TARGET GLOBAL libmemcached>=1.1.4)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET GLOBAL hiredis>=0.14)
