// Goal: who is let through, and who is asked for, when many come at once.
#include "store/cassandra/turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cctype>
#include <string>

#include "store/cassandra/gathered.h"

namespace playhead {
namespace {

TEST(Turns, LetOneThroughAtATimeInOrderAndRefuseTooMany) {
  boost::asio::io_context context;
  Turns turns(1, 2);
  std::string seen;
  const auto walk = [](Turns* all, char name, std::string* out) -> Task<> {
    const auto turn = co_await all->take();
    if (!turn) {
      *out += '!';
      co_return;
    }
    *out += name;
    co_await boost::asio::post(boost::asio::use_awaitable);
    *out += name;
  };
  for (const char name : {'a', 'b', 'c', 'd'})
    boost::asio::co_spawn(context, walk(&turns, name, &seen), boost::asio::detached);
  context.run();
  EXPECT_EQ(std::ranges::count(seen, '!'), 1);
  std::erase(seen, '!');
  EXPECT_EQ(seen, "aabbcc");
}

TEST(Turns, LetThroughAsManyAsThereIsRoomForAndNobodyPassesWhoWaits) {
  boost::asio::io_context context;
  Turns turns(3, 8);
  std::string seen;
  const auto walk = [](Turns* all, char name, std::size_t room, std::string* out) -> Task<> {
    const auto turn = co_await all->take(room);
    *out += name;
    co_await boost::asio::post(boost::asio::use_awaitable);
    co_await boost::asio::post(boost::asio::use_awaitable);
    *out += static_cast<char>(std::toupper(name));
  };
  for (const auto& [name, room] : {std::pair{'a', 1}, {'b', 1}, {'c', 3}, {'d', 1}, {'e', 1}})
    boost::asio::co_spawn(context, walk(&turns, name, static_cast<std::size_t>(room), &seen),
                          boost::asio::detached);
  context.run();
  EXPECT_EQ(seen, "abABcCdeDE");
}

// The first goes alone, as it came when nothing was on its way.
TEST(Gathered, AsksForWhatComesMeanwhileTogether) {
  boost::asio::io_context context;
  std::vector<std::string> asked;
  Gathered<char, std::string> gathered(
      {.groups_max = 1, .keys_max = 3, .waiting_max = 100},
      [&](std::vector<char> keys) -> Task<Result<std::vector<std::string>>> {
        asked.emplace_back(keys.begin(), keys.end());
        co_await boost::asio::post(boost::asio::use_awaitable);
        co_await boost::asio::post(boost::asio::use_awaitable);
        if (std::ranges::find(keys, 'x') != keys.end())
          co_return fail(Errc::kUnavailable, "a failure");
        std::vector<std::string> values;
        for (const char key : keys) values.emplace_back(2, key);
        co_return values;
      });
  std::string told;
  const auto ask = [&](char key) -> Task<> {
    const auto value = co_await gathered.ask(key);
    told += value ? *value : "!";
  };
  for (const char key : std::string("abcdefxg"))
    boost::asio::co_spawn(context, ask(key), boost::asio::detached);
  context.run();
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "bcd", "efx", "g"}));
  EXPECT_EQ(told, "aabbccdd!!!gg");
  context.restart();
  boost::asio::co_spawn(context, ask('z'), boost::asio::detached);
  context.run();
  EXPECT_EQ(asked.back(), "z");
}

TEST(Gathered, RefusesTooMany) {
  boost::asio::io_context context;
  Gathered<int, int> gathered({.groups_max = 1, .keys_max = 1, .waiting_max = 2},
                              [](std::vector<int> keys) -> Task<Result<std::vector<int>>> {
                                co_await boost::asio::post(boost::asio::use_awaitable);
                                co_return keys;
                              });
  int answered = 0, refused = 0;
  const auto ask = [&](int key) -> Task<> {
    const auto value = co_await gathered.ask(key);
    ++(value ? answered : refused);
    if (!value) EXPECT_EQ(value.error().code, Errc::kOverloaded);
  };
  for (int key = 0; key < 10; ++key)
    boost::asio::co_spawn(context, ask(key), boost::asio::detached);
  context.run();
  EXPECT_GE(answered, 2);
  EXPECT_EQ(answered + refused, 10);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace playhead
