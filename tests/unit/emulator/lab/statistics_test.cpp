#include "emulator/lab/statistics.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using emulator::difference_interval;
using emulator::median;
using emulator::median_interval;
using emulator::percentile;

using Values = std::vector<double>;

TEST_CASE("the median lies in the middle, whatever the order") {
  CHECK(median(Values{}) == 0);
  CHECK(median(Values{7}) == 7);
  CHECK(median(Values{3, 1, 2}) == 2);
  CHECK(median(Values{4, 1, 3, 2}) == 2.5);
}

TEST_CASE("percentiles lie between neighbours") {
  const Values values{10, 20, 30, 40, 50};
  CHECK(percentile(values, 0) == 10);
  CHECK(percentile(values, 100) == 50);
  CHECK(percentile(values, 90) == doctest::Approx(46));
  CHECK(percentile(Values{5}, 99) == 5);
}

TEST_CASE("the interval holds the median, and equal values leave no doubt") {
  const Values values{10, 12, 11, 14, 9, 13, 10, 11};
  const auto interval = median_interval(values);
  CHECK(interval.contains(median(values)));
  CHECK(interval.low >= 9);
  CHECK(interval.high <= 14);
  const auto certain = median_interval(Values{5, 5, 5, 5});
  CHECK(certain.low == 5);
  CHECK(certain.high == 5);
}

TEST_CASE("the same numbers give the same interval") {
  const Values values{1, 9, 4, 7, 3, 8};
  CHECK(median_interval(values).low == median_interval(values).low);
  CHECK(median_interval(values).high == median_interval(values).high);
}

TEST_CASE("a difference that is there is shown, and one that is not is not") {
  std::mt19937_64 random(7);
  const auto noisy = [&random](double centre) {
    Values values;
    for (int i = 0; i < 30; ++i)
      values.push_back(centre + static_cast<double>(random() % 100) / 50);
    return values;
  };
  const auto slower = difference_interval(noisy(10), noisy(20));
  CHECK(slower.low > 8);
  CHECK(slower.high < 12);
  CHECK(difference_interval(noisy(20), noisy(10)).high < 0);
  CHECK(difference_interval(noisy(10), noisy(10)).contains(0));
}

TEST_CASE("nothing measured is no interval") {
  CHECK(median_interval(Values{}).high == 0);
  CHECK(difference_interval(Values{}, Values{1}).contains(0));
}
