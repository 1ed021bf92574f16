#include "emulator/lab/page_report.hpp"

#include "emulator/lab/lab_figures.hpp"
#include "emulator/lab/lab_reports.hpp"
#include "emulator/lab/lab_wording.hpp"
#include "emulator/lab/page/page_texts.hpp"
#include "emulator/lab/waterfall.hpp"
#include "emulator/reports/wording.hpp"
#include "emulator/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace emulator {
namespace {

using Kind = LabVariant::Kind;

// ---- texts ----

std::string base64(std::string_view bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t given = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < given ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= given ? digits[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

/// Length of the UTF-8 character that starts here; 0 for what is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                             : lead >= 0xe0 && lead <= 0xef ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  // Longer than it needs to be, half of a surrogate pair, beyond the last character.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
      (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f))
    return 0;
  return length;
}

/// A name from outside: isolated, so that one in another direction of writing turns nothing else
/// around.
std::string name_html(std::string_view name) {
  return "<bdi>" + html_text(name) + "</bdi>";
}

/// The last part of a path; what it is called on the page, where the whole is a tooltip.
std::string_view short_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash + 1 == path.size() ? path
                                                                     : path.substr(slash + 1);
}

std::string file_html(std::string_view path) {
  return fmt::format(R"(<bdi title="{}">{}</bdi>)", html_text(path), html_text(short_name(path)));
}

std::string ms_html(double value) {
  return value > 0 && value < 0.05 ? "&lt; 0.1 ms" : fmt::format("{:.1f} ms", value);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1000) return counted(bytes, "byte");
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return megabytes(bytes) + " MB";
}

std::string range_text(const Interval& interval) {
  return fmt::format("{:.1f} to {:.1f}", interval.low, interval.high);
}

/// The words of the text report; the interval stands below.
std::string difference_html(const Difference& value) {
  const std::string text = difference_text(value);
  const std::size_t bracket = text.find(" [");
  return fmt::format(R"(<span{}>{}</span><small>{}</small>)",
                     value.shown() ? "" : R"( class="unsure")", text.substr(0, bracket),
                     text.substr(bracket + 1));
}

// ---- scales ----

/// From a round number to a round number, in round steps.
struct Axis {
  double low = 0;
  double high = 1;
  double step = 1;
  std::string percent(double value) const {
    return fmt::format("{:.4f}%", (value - low) / (high - low) * 100);
  }
  std::string share(double length) const {
    return fmt::format("{:.4f}%", length / (high - low) * 100);
  }
  std::vector<double> ticks() const {
    std::vector<double> values;
    const auto count = static_cast<int>(std::lround((high - low) / step));
    for (int i = 0; i <= count; ++i) values.push_back(low + i * step);
    return values;
  }
};

Axis axis_of(double low, double high, double most_steps = 5) {
  if (!(high > low)) high = low + 1;
  double step = std::pow(10, std::floor(std::log10((high - low) / most_steps)));
  for (const double factor : {2.0, 2.5, 2.0})
    if ((high - low) / step > most_steps) step *= factor;
  return {std::floor(low / step) * step, std::ceil(high / step) * step, step};
}

std::string axis_html(const Axis& axis) {
  std::string html = R"(<span class="axis">)";
  for (const double tick : axis.ticks())
    html += fmt::format(R"(<span style="left:{}">{:g}{}</span>)", axis.percent(tick), tick,
                        tick + axis.step / 2 > axis.high ? " ms" : "");
  return html + "</span>";
}

std::string grid_svg(const Axis& axis) {
  std::string svg;
  for (const double tick : axis.ticks())
    svg += fmt::format(R"(<line x1="{0}" x2="{0}" y1="0" y2="100%"/>)", axis.percent(tick));
  return svg;
}

std::string bar_html(std::string_view classes, const Axis& axis, double start, double length) {
  return fmt::format(R"(<div class="bar {}" style="left:{};width:{}"></div>)", classes,
                     axis.percent(start), axis.share(length));
}

// ---- the page ----

/// What a table row of the distribution shows, made once: the intervals are dear.
struct Summary {
  std::vector<double> cold_starts;
  double median = 0;
  Interval interval;
  double p90 = 0;
  double init = 0;
};

/// Variants in the same state and with the same memory, which may be compared.
struct Group {
  std::uint32_t memory = 0;
  CacheState state = CacheState::extracted;
  std::size_t configured = 0;
  std::vector<std::size_t> variants;
};

std::string_view css_class(const WaterfallRow& row) {
  if (row.phase == "sandbox") return "sandbox";
  if (row.phase == init_phase) return "init";
  if (row.within == init_phase) return "init part";
  if (row.phase == first_invocation) return "invoke";
  if (row.phase == second_invocation) return "warm";
  return row.within.empty() ? "prepare" : "prepare part";
}

std::string_view state_sentence(CacheState state) {
  switch (state) {
    case CacheState::extracted:
      return "the layers’ trees were in the store, their pages in memory.";
    case CacheState::cold_store:
      return "the archives were extracted each time, into a fresh store.";
    case CacheState::cold_cache:
      return "the layers’ trees were in the store, their pages dropped from memory before each "
             "start.";
  }
  return "";
}

template <typename T>
std::size_t place_of(const std::vector<T>& values, const T& value) {
  return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
}

template <typename T>
void add_once(std::vector<T>& values, const T& value) {
  if (place_of(values, value) == values.size()) values.push_back(value);
}

class Page {
 public:
  Page(const LabResult& result, const ColdstartCommand& command);
  std::string html() const;

 private:
  const LabVariant& variant(std::size_t index) const { return result_.variants[index]; }
  bool measured(std::size_t index) const { return !summaries_[index].cold_starts.empty(); }
  std::string base_name(std::size_t index) const;
  std::string condition(const Group& group) const;
  std::string variant_html(std::size_t index) const;
  const LayerCost* cost(const Group& group, std::size_t layer) const;
  /// Layer `number` of a variant, counted from 1; null where it is not known.
  const LabPackage* layer_package(std::size_t index, std::size_t number) const;
  const TouchedPackage* touched_layer(std::size_t number) const;
  double longest(const Group& group) const;

  std::string headline() const;
  std::string detail() const;
  std::string facts() const;
  std::string picker() const;
  std::string switches() const;
  std::string panes() const;
  std::string pane(std::size_t index, const Axis& axis) const;
  bool one_axis() const;
  std::string distribution() const;
  std::string distribution_row(std::size_t index, const Axis& axis) const;
  std::string costs() const;
  std::string cost_row(const Group& group, std::size_t layer, const Axis& axis) const;
  std::string others() const;
  std::string matrix() const;
  std::string touched() const;
  std::string imports() const;
  std::string imports_left() const;
  std::string failures() const;
  std::string notes() const;
  std::string function() const;
  std::string method() const;

  const LabResult& result_;
  const ColdstartCommand& command_;
  std::vector<Summary> summaries_;
  std::vector<Group> groups_;
  std::vector<LayerCost> costs_;
  /// A row for each of them in the picker.
  std::vector<std::string> kinds_;
  std::vector<std::uint32_t> memories_;
  std::vector<CacheState> states_;
};

Page::Page(const LabResult& result, const ColdstartCommand& command)
    : result_(result), command_(command), costs_(layer_costs(result)) {
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    Summary summary;
    if (!result.failures.contains(i)) {
      summary.cold_starts = result.values(i, whole_cold_start);
      summary.median = median(summary.cold_starts);
      summary.interval = median_interval(summary.cold_starts);
      summary.p90 = percentile(summary.cold_starts, 90);
      summary.init = median(result.values(i, init_phase));
    }
    summaries_.push_back(std::move(summary));

    const std::uint32_t memory = variant(i).selection.function.memory_size;
    const CacheState state = variant(i).state;
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& one) {
      return one.memory == memory && one.state == state;
    });
    if (group == groups_.end())
      group = groups_.insert(group, Group{memory, state, configured_like(result, variant(i)), {}});
    group->variants.push_back(i);
    add_once(kinds_, base_name(i));
    add_once(memories_, memory);
    add_once(states_, state);
  }
}

std::string Page::base_name(std::size_t index) const {
  const LabVariant& one = variant(index);
  return one.name.ends_with(one.condition)
             ? one.name.substr(0, one.name.size() - one.condition.size())
             : one.name;
}

/// "512 MB, cold-store"; empty where there is but one group.
std::string Page::condition(const Group& group) const {
  std::string text;
  if (memories_.size() > 1) text = fmt::format("{} MB", group.memory);
  if (states_.size() > 1) text += (text.empty() ? "" : ", ") + std::string(to_string(group.state));
  return text;
}

std::string Page::variant_html(std::size_t index) const {
  std::string html = html_text(base_name(index));
  const std::size_t without = variant(index).without_layer;
  const auto& layers = variant(configured_like(result_, variant(index))).selection.layers;
  if (without > 0 && without <= layers.size())
    html += "<small>" + file_html(layers[without - 1]) + "</small>";
  return html;
}

const LayerCost* Page::cost(const Group& group, std::size_t layer) const {
  for (const LayerCost& one : costs_)
    if (one.layer == layer && one.without != Kind::bundled &&
        place_of(group.variants, one.variant) < group.variants.size())
      return &one;
  return nullptr;
}

const LabPackage* Page::layer_package(std::size_t index, std::size_t number) const {
  for (const LabPackage& package : variant(index).packages)
    if (!package.is_code && --number == 0) return &package;
  return nullptr;
}

const TouchedPackage* Page::touched_layer(std::size_t number) const {
  if (result_.touched)
    for (const TouchedPackage& package : *result_.touched)
      if (!package.is_code && --number == 0) return &package;
  return nullptr;
}

double Page::longest(const Group& group) const {
  double value = 0;
  for (const std::size_t index : group.variants)
    for (const double one : summaries_[index].cold_starts) value = std::max(value, one);
  return value;
}

// ---- the top ----

std::string layers_words(std::size_t count) {
  return count == 1 ? std::string("the layer") : fmt::format("the {} layers", count);
}

std::string Page::headline() const {
  if (groups_.empty() || !measured(0)) return "Nothing was measured.";
  const std::string where = condition(groups_[0]);
  const std::string there = where.empty() ? "" : " (" + where + ")";
  const LayerCost* all = cost(groups_[0], 0);
  if (all == nullptr)
    return fmt::format("A cold start takes {:.1f} ms (95&nbsp;%&nbsp;interval {}){}.",
                       summaries_[0].median, range_text(summaries_[0].interval), there);
  std::string layers = layers_words(variant(0).selection.layers.size());
  const Difference& value = all->cold_start;
  if (!value.shown())
    return fmt::format(
        "These runs show no measurable difference between a cold start with {} and one without "
        "(95&nbsp;%&nbsp;interval {:+.1f} to {:+.1f} ms){}.",
        layers, value.interval.low, value.interval.high, there);
  if (value.median < 0)
    return fmt::format(
        "A cold start is {:.1f} ms (95&nbsp;%&nbsp;interval {}) faster with {} than without{}.",
        -value.median, range_text({-value.interval.high, -value.interval.low}), layers, there);
  layers[0] = 'T';
  return fmt::format("{} {} {:.1f} ms (95&nbsp;%&nbsp;interval {}) to a cold start{}.", layers,
                     variant(0).selection.layers.size() == 1 ? "adds" : "add", value.median,
                     range_text(value.interval), there);
}

std::string Page::detail() const {
  if (groups_.empty() || !measured(0)) return {};
  const auto& layers = variant(0).selection.layers;
  const LayerCost* all = cost(groups_[0], 0);
  if (all == nullptr) {
    if (layers.empty()) return "The function has no layers.";
    for (const std::size_t index : groups_[0].variants)
      if (variant(index).kind == Kind::without_any && result_.failures.contains(index))
        return "What the layers cost cannot be measured: the function does not work without them.";
    return "It was not measured without its layers.";
  }
  std::string text =
      fmt::format("{:.1f} ms with {}, {:.1f} ms without: medians of {} each.", summaries_[0].median,
                  layers.size() == 1 ? "it" : "them", summaries_[all->variant].median,
                  counted(summaries_[0].cold_starts.size(), "run"));
  const LayerCost* dearest = nullptr;
  for (std::size_t layer = 1; layer <= layers.size(); ++layer)
    if (const LayerCost* one = cost(groups_[0], layer);
        one != nullptr && one->cold_start.shown() && one->cold_start.median > 0 &&
        (dearest == nullptr || one->cold_start.median > dearest->cold_start.median))
      dearest = one;
  if (dearest != nullptr)
    text += fmt::format(" The dearest is layer {}, {}: {}.", dearest->layer,
                        file_html(dearest->name), difference_text(dearest->cold_start));
  return text;
}

std::string Page::facts() const {
  if (groups_.empty() || !measured(0)) return {};
  std::string html;
  const auto add = [&html](std::string_view name, const std::string& value,
                           const std::string& below) {
    html += fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>", name, value,
                        below.empty() ? "" : "<small>" + below + "</small>");
  };
  const auto middle = [this](const char* phase) -> std::optional<double> {
    const auto values = result_.values(0, phase);
    return values.empty() ? std::nullopt : std::optional(median(values));
  };
  add("cold start", ms_html(summaries_[0].median), range_text(summaries_[0].interval) + " ms");
  if (const auto init = middle(init_phase)) {
    const auto start = middle("runtime start");
    add(init_phase, ms_html(*init), start ? "runtime start " + ms_html(*start) : "");
  }
  if (const auto first = middle(first_invocation)) {
    const auto second = middle(second_invocation);
    add(first_invocation, ms_html(*first), second ? "second " + ms_html(*second) : "");
  }
  const std::size_t layers = variant(0).selection.layers.size();
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  bool known = layers > 0;
  for (std::size_t number = 1; number <= layers; ++number) {
    const LabPackage* package = layer_package(0, number);
    known = known && package != nullptr;
    if (package == nullptr) continue;
    bytes += package->bytes;
    files += package->files;
  }
  add("layers", std::to_string(layers),
      known ? size_text(bytes) + ", " + counted(files, "file") : "");
  return html;
}

// ---- the waterfalls ----

/// Choosing is CSS: the page needs no script.
std::string Page::picker() const {
  std::string html;
  const auto add = [&html](std::string_view id, std::string_view legend,
                           const std::vector<std::string>& texts) {
    if (texts.size() < 2) return;
    html += fmt::format("<fieldset><legend>{}</legend>", legend);
    for (std::size_t i = 0; i < texts.size(); ++i)
      html += fmt::format(
          R"(<label><input type="radio" name="{0}" id="{0}-{1}"{2}><span>{3}</span></label>)", id,
          i, i == 0 ? " checked" : "", html_text(texts[i]));
    html += "</fieldset>";
  };
  std::vector<std::string> memories;
  for (const std::uint32_t size : memories_) memories.push_back(fmt::format("{} MB", size));
  std::vector<std::string> states;
  for (const CacheState state : states_) states.emplace_back(to_string(state));
  add("kind", "Variant", kinds_);
  add("memory", "Memory", memories);
  add("cache", "Cache", states);
  return html;
}

std::string Page::switches() const {
  if (result_.variants.size() < 2) return {};
  std::string css = "@supports selector(:has(a)) {\n.pane { display: none; }\n";
  const auto checked = [](std::string_view id, std::size_t place, std::size_t of) {
    return of < 2 ? std::string() : fmt::format(":has(#{}-{}:checked)", id, place);
  };
  for (std::size_t i = 0; i < result_.variants.size(); ++i)
    css += fmt::format(
        "main{}{}{} #pane-{} {{ display: block; }}\n",
        checked("kind", place_of(kinds_, base_name(i)), kinds_.size()),
        checked("memory", place_of(memories_, variant(i).selection.function.memory_size),
                memories_.size()),
        checked("cache", place_of(states_, variant(i).state), states_.size()), i);
  return css + "}";
}

std::string Page::panes() const {
  std::vector<std::string> made(result_.variants.size());
  for (const Group& group : groups_) {
    double end = 0;
    for (const std::size_t index : group.variants)
      if (const auto run = median_run(result_, index))
        for (const WaterfallRow& row : waterfall(result_.runs[*run]))
          end = std::max(end, row.start + row.duration);
    for (const std::size_t index : group.variants) made[index] = pane(index, axis_of(0, end));
  }
  std::string html;
  for (const std::string& one : made) html += one;
  return html;
}

std::string Page::pane(std::size_t index, const Axis& axis) const {
  const std::string name = html_text(variant(index).name);
  if (const auto failure = result_.failures.find(index); failure != result_.failures.end())
    return fmt::format(
        R"(<div class="pane failed" id="pane-{}"><b>{}</b>: the function does not work so. {}</div>)",
        index, name, name_html(failure->second));
  const auto chosen = median_run(result_, index);
  if (!chosen) return {};
  const LabRun& run = result_.runs[*chosen];
  std::size_t number = 0;
  for (std::size_t i = 0; i <= *chosen; ++i) number += result_.runs[i].variant == index ? 1 : 0;
  const double whole = run.phase(whole_cold_start);
  const std::string mark =
      fmt::format(R"(<div class="mark" style="left:{}"></div>)", axis.percent(whole));
  std::string html = fmt::format(
      R"(<div class="pane" id="pane-{}"><table class="chart waterfall" role="table"><caption><b>{}</b>: run {} of {}, first response after {}</caption><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">phase</th><th scope="col" role="columnheader" class="plot" aria-label="when">{}</th><th scope="col" role="columnheader" class="num">time</th></tr></thead><tbody role="rowgroup">)",
      index, name, number, summaries_[index].cold_starts.size(), ms_html(whole), axis_html(axis));
  for (const WaterfallRow& row : waterfall(run)) {
    std::string label = html_text(row.phase);
    if (row.within == "extract") {
      label = file_html(package_name(row.phase));
      if (const LabPackage* package = package_of(variant(index), row.phase);
          package != nullptr && row.duration > 0)
        label += "<small>" + extraction_text(*package, row.duration) + "</small>";
    }
    html += fmt::format(
        R"(<tr role="row"{}><th scope="row" role="rowheader">{}</th><td role="cell" class="plot"><div class="track">{}{}</div></td><td role="cell" class="num">{}</td></tr>)",
        row.within.empty() ? "" : R"( class="part")", label, mark,
        bar_html(css_class(row), axis, row.start, row.duration), ms_html(row.duration));
  }
  html += fmt::format(
      R"(<tr role="row" class="sum"><th scope="row" role="rowheader">{}</th><td role="cell" class="plot"><div class="track">{}{}</div></td><td role="cell" class="num">{}</td></tr>)",
      whole_cold_start, mark, bar_html("sum", axis, 0, whole), ms_html(whole));
  return html + "</tbody></table></div>";
}

// ---- every run ----

/// One scale for all, unless it would squeeze a group into the first quarter.
bool Page::one_axis() const {
  double shortest = 0;
  double longest_of_all = 0;
  for (const Group& group : groups_) {
    const double value = longest(group);
    if (value <= 0) continue;
    shortest = shortest <= 0 ? value : std::min(shortest, value);
    longest_of_all = std::max(longest_of_all, value);
  }
  return longest_of_all <= 4 * shortest;
}

std::string Page::distribution() const {
  double longest_of_all = 0;
  for (const Group& group : groups_) longest_of_all = std::max(longest_of_all, longest(group));
  const bool common = one_axis();
  std::string html;
  for (const Group& group : groups_) {
    const Axis axis = axis_of(0, common ? longest_of_all : longest(group));
    const std::string title = condition(group);
    html += fmt::format(
        R"(<tbody role="rowgroup"><tr role="row" class="group"><th scope="col" role="columnheader"{}>{}</th><th scope="col" role="columnheader" class="plot" aria-label="runs">{}</th><th scope="col" role="columnheader" class="num">cold start</th><th scope="col" role="columnheader" class="num">95&nbsp;% interval</th><th scope="col" role="columnheader" class="num">p90</th><th scope="col" role="columnheader" class="num">init</th></tr>)",
        title.empty() ? R"( class="bare")" : "", title.empty() ? "variant" : title,
        axis_html(axis));
    for (const std::size_t index : group.variants) html += distribution_row(index, axis);
    html += "</tbody>";
  }
  return html;
}

std::string Page::distribution_row(std::size_t index, const Axis& axis) const {
  std::string html =
      fmt::format(R"(<tr role="row" id="row-{}"><th scope="row" role="rowheader">{}</th>)", index,
                  variant_html(index));
  if (!measured(index))
    return html +
           R"(<td role="cell" colspan="5" class="unsure">the function does not work so</td></tr>)";
  const Summary& one = summaries_[index];
  const auto& values = one.cold_starts;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  html += fmt::format(
      R"(<td role="cell" class="plot"><svg class="strip" role="img" aria-label="{} from {:.1f} to {:.1f} ms">{}<rect class="interval" x="{}" width="{}" y="8%" height="84%" rx="2"/>)",
      counted(values.size(), "run"), *least, *most, grid_svg(axis), axis.percent(one.interval.low),
      axis.share(one.interval.high - one.interval.low));
  constexpr std::size_t most_named = 100;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double place = values.size() == 1 ? 50
                                            : 16 + 68 * static_cast<double>(i) /
                                                       static_cast<double>(values.size() - 1);
    html += fmt::format(R"(<circle cx="{}" cy="{:.1f}%" r="3")", axis.percent(values[i]), place);
    html += values.size() <= most_named
                ? fmt::format("><title>run {}: {:.1f} ms</title></circle>", i + 1, values[i])
                : "/>";
  }
  html += fmt::format(
      R"(<line class="median" x1="{0}" x2="{0}" y1="2%" y2="98%"/></svg></td><td role="cell" class="num">{1:.1f} ms</td><td role="cell" class="num more" data-label="95 % interval">{2}</td><td role="cell" class="num more" data-label="p90">{3:.1f}</td><td role="cell" class="num more" data-label="init">{4:.1f} ms</td></tr>)",
      axis.percent(one.median), one.median, range_text(one.interval), one.p90, one.init);
  return html;
}

// ---- what layers cost ----

std::string forest_svg(const Difference& value, const Axis& axis) {
  const std::string_view kind = !value.shown() ? "" : value.median > 0 ? " shown" : " saved";
  return fmt::format(
      R"(<svg class="strip" role="img" aria-label="{}">{}<line class="zero" x1="{}" x2="{}" y1="0" y2="100%"/><line class="whisker{}" x1="{}" x2="{}" y1="50%" y2="50%"/><circle class="point{}" cx="{}" cy="50%" r="5"/></svg>)",
      difference_text(value), grid_svg(axis), axis.percent(0), axis.percent(0), kind,
      axis.percent(value.interval.low), axis.percent(value.interval.high), kind,
      axis.percent(value.median));
}

std::string cost_cells(const LayerCost& cost, const Axis& axis) {
  return fmt::format(
      R"(<td role="cell" class="plot">{}</td><td role="cell" class="num text">{}</td><td role="cell" class="num text more" data-label="runtime init">{}</td>)",
      forest_svg(cost.cold_start, axis), difference_html(cost.cold_start),
      difference_html(cost.init));
}

Axis difference_axis(const std::vector<Difference>& values) {
  double low = 0;
  double high = 0;
  for (const Difference& value : values) {
    low = std::min({low, value.interval.low, value.median});
    high = std::max({high, value.interval.high, value.median});
  }
  // Beside many columns.
  return axis_of(low, high, 3);
}

std::string cost_head(const std::string& title, const Axis& axis,
                      const std::vector<std::string_view>& columns) {
  std::string html = fmt::format(
      R"(<tr role="row" class="group"><th scope="col" role="columnheader"{}>{}</th><th scope="col" role="columnheader" class="plot" aria-label="difference, drawn">{}</th>)",
      title.empty() ? R"( class="bare")" : "", title.empty() ? "layer" : title, axis_html(axis));
  for (const std::string_view column : columns)
    html += fmt::format(R"(<th scope="col" role="columnheader" class="num">{}</th>)", column);
  return html + "</tr>";
}

std::string Page::costs() const {
  if (costs_.empty()) return {};
  std::string html;
  for (const Group& group : groups_) {
    std::vector<Difference> differences;
    for (const LayerCost& one : costs_)
      if (place_of(group.variants, one.variant) < group.variants.size())
        differences.push_back(one.cold_start);
    if (differences.empty()) continue;
    const Axis axis = difference_axis(differences);
    std::vector<std::string_view> columns = {"cold start", "runtime init"};
    if (layer_package(group.configured, 1) != nullptr) columns.emplace_back("unpacked");
    html += R"(<tbody role="rowgroup">)" + cost_head(condition(group), axis, columns);
    const std::size_t layers = variant(group.configured).selection.layers.size();
    for (std::size_t layer = layers > 1 ? 0 : 1; layer <= layers; ++layer)
      html += cost_row(group, layer, axis);
    for (const LayerCost& one : costs_)
      if (one.without == Kind::bundled &&
          place_of(group.variants, one.variant) < group.variants.size())
        html += fmt::format(
            R"(<tr role="row" class="bundled"><th scope="row" role="rowheader">layers, not one package</th>{}{}</tr>)",
            cost_cells(one, axis),
            columns.size() < 3 ? "" : R"(<td role="cell" class="num text more"></td>)");
    html += "</tbody>";
  }
  return html;
}

/// Layer 0 is all of them.
std::string Page::cost_row(const Group& group, std::size_t layer, const Axis& axis) const {
  const auto& layers = variant(group.configured).selection.layers;
  std::string html = fmt::format(
      R"(<tr role="row"{}><th scope="row" role="rowheader">{}</th>)",
      layer == 0 ? R"( class="whole")" : "",
      layer == 0 ? "all layers"
                 : fmt::format("layer {}<small>{}</small>", layer, file_html(layers[layer - 1])));
  // A single layer is left out together with all.
  const LayerCost* one = cost(group, layers.size() == 1 ? 0 : layer);
  html +=
      one != nullptr
          ? cost_cells(*one, axis)
          : R"(<td role="cell" class="plot"></td><td role="cell" class="num text unsure" colspan="2">the function does not work without</td>)";
  if (layer_package(group.configured, 1) != nullptr) {
    LabPackage sum;
    for (std::size_t number = layer == 0 ? 1 : layer;
         number <= (layer == 0 ? layers.size() : layer); ++number)
      if (const LabPackage* package = layer_package(group.configured, number)) {
        sum.archive_bytes += package->archive_bytes;
        sum.bytes += package->bytes;
        sum.files += package->files;
      }
    const TouchedPackage* used = layer == 0 ? nullptr : touched_layer(layer);
    html += fmt::format(
        R"(<td role="cell" class="num text more" data-label="unpacked">{}<small>{}</small>{}{}</td></tr>)",
        size_text(sum.bytes), counted(sum.files, "file"),
        sum.archive_bytes == 0 ? "" : "<small>" + size_text(sum.archive_bytes) + " packed</small>",
        used == nullptr ? "" : "<small>" + counted(used->touched_files, "file") + " used</small>");
    return html;
  }
  return html + "</tr>";
}

std::string Page::others() const {
  std::string html;
  for (const Group& group : groups_) {
    std::vector<std::pair<std::size_t, Difference>> rows;
    std::vector<Difference> differences;
    for (const std::size_t index : group.variants) {
      if (variant(index).kind != Kind::other_order || !measured(index)) continue;
      differences.push_back(
          difference(summaries_[group.configured].cold_starts, summaries_[index].cold_starts));
      rows.emplace_back(index, differences.back());
    }
    if (rows.empty()) continue;
    const Axis axis = difference_axis(differences);
    html += R"(<tbody role="rowgroup">)" + cost_head(condition(group), axis, {"cold start"});
    for (const auto& [index, value] : rows)
      html += fmt::format(
          R"(<tr role="row"><th scope="row" role="rowheader">{}</th><td role="cell" class="plot">{}</td><td role="cell" class="num text">{}</td></tr>)",
          variant_html(index), forest_svg(value, axis), difference_html(value));
    html += "</tbody>";
  }
  return html;
}

std::string Page::matrix() const {
  if (groups_.size() < 2) return {};
  double most = 0;
  for (const Group& group : groups_) most = std::max(most, summaries_[group.configured].median);
  const Axis axis = axis_of(0, most);
  std::string html = R"(<thead><tr><th scope="col">memory</th>)";
  for (const CacheState state : states_)
    html += fmt::format(R"(<th scope="col">{}</th>)", to_string(state));
  html += "</tr></thead><tbody>";
  for (const std::uint32_t memory : memories_) {
    html += fmt::format(R"(<tr><th scope="row">{} MB</th>)", memory);
    for (const CacheState state : states_) {
      const auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& one) {
        return one.memory == memory && one.state == state;
      });
      if (group == groups_.end() || !measured(group->configured)) {
        html += "<td></td>";
        continue;
      }
      const Summary& one = summaries_[group->configured];
      html += fmt::format(R"(<td>{:.1f} ms<div class="track">{}</div><small>{}</small>)",
                          one.median, bar_html("", axis, 0, one.median), range_text(one.interval));
      if (const LayerCost* all = cost(*group, 0))
        html += "<small>layers " + difference_text(all->cold_start) + "</small>";
      html += "</td>";
    }
    html += "</tr>";
  }
  return html + "</tbody>";
}

// ---- files and modules ----

std::string Page::touched() const {
  if (!result_.touched || result_.touched->empty()) return {};
  std::string html =
      R"(<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">package</th><th scope="col" role="columnheader" class="plot">share of bytes</th><th scope="col" role="columnheader" class="num">files</th><th scope="col" role="columnheader" class="num">size</th></tr></thead><tbody role="rowgroup">)";
  std::size_t layer = 0;
  for (const TouchedPackage& package : *result_.touched) {
    const std::string title =
        package.is_code ? std::string("function code") : fmt::format("layer {}", ++layer);
    const Axis axis{0, static_cast<double>(std::max<std::uint64_t>(package.bytes, 1)), 1};
    html += fmt::format(
        R"(<tr role="row"><th scope="row" role="rowheader">{}<small>{}</small></th><td role="cell" class="plot"><div class="track">{}</div></td><td role="cell" class="num more" data-label="files">{} of {}</td><td role="cell" class="num more" data-label="size">{} of {}</td></tr>)",
        title, file_html(package.name),
        bar_html("used", axis, 0, static_cast<double>(package.touched_bytes)),
        grouped(package.touched_files), grouped(package.files), size_text(package.touched_bytes),
        size_text(package.bytes));
  }
  return html + "</tbody>";
}

constexpr std::size_t imports_at_once = 25;
constexpr std::size_t most_imports = 500;

std::string import_rows(const std::vector<ImportedModule>& modules, std::size_t from,
                        std::size_t to) {
  double longest = 0;
  for (const ImportedModule& module : modules) longest = std::max(longest, module.self_ms);
  const Axis axis = axis_of(0, longest);
  std::string html = fmt::format(
      R"(<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">module</th><th scope="col" role="columnheader" class="plot" aria-label="own time, drawn">{}</th><th scope="col" role="columnheader" class="num">own</th><th scope="col" role="columnheader" class="num">total</th><th scope="col" role="columnheader">from</th></tr></thead><tbody role="rowgroup">)",
      axis_html(axis));
  for (std::size_t i = from; i < to; ++i) {
    const ImportedModule& module = modules[i];
    html += fmt::format(
        R"(<tr role="row"><th scope="row" role="rowheader">{}{}</th><td role="cell" class="plot"><div class="track">{}</div></td><td role="cell" class="num">{}</td><td role="cell" class="num more" data-label="total">{}</td><td role="cell" class="more text" data-label="from">{}</td></tr>)",
        name_html(module.name),
        module.file.empty() ? "" : "<small>" + name_html(module.file) + "</small>",
        bar_html("init", axis, 0, module.self_ms), ms_html(module.self_ms),
        ms_html(module.total_ms),
        module.package.empty() ? "the runtime" : file_html(module.package));
  }
  return html + "</tbody>";
}

std::string Page::imports() const {
  if (!result_.imports || result_.imports->empty()) return {};
  return import_rows(*result_.imports, 0, std::min(imports_at_once, result_.imports->size()));
}

std::string Page::imports_left() const {
  if (!result_.imports || result_.imports->size() <= imports_at_once) return {};
  const std::size_t all = result_.imports->size();
  const std::size_t shown = std::min(all, most_imports);
  std::string html = fmt::format(
      R"(<details><summary>{}</summary><table class="chart imports" role="table" aria-label="more imports">{}</table></details>)",
      counted(shown - imports_at_once, "more module"),
      import_rows(*result_.imports, imports_at_once, shown));
  if (shown < all)
    html += fmt::format("<p>{} that took less are not shown.</p>", counted(all - shown, "module"));
  return html;
}

// ---- the end ----

std::string Page::failures() const {
  std::string html;
  std::string last;
  for (const auto& [index, failure] : result_.failures) {
    // The same in every state and with every memory size.
    if (failure != last)
      html +=
          fmt::format("<dt>{}</dt><dd>{}</dd>", html_text(variant(index).name), name_html(failure));
    last = failure;
  }
  return html;
}

std::string Page::notes() const {
  std::string html;
  for (const std::string& note : result_.notes) html += "<li>" + name_html(note) + "</li>";
  return html;
}

std::string Page::function() const {
  const FunctionSelection& selection = command_.selection;
  std::string html;
  const auto add = [&html](std::string_view name, const std::string& value) {
    if (!value.empty()) html += fmt::format("<dt>{}</dt><dd>{}</dd>", name, value);
  };
  add("runtime", html_text(selection.function.runtime));
  add("handler", selection.function.handler.empty() ? "" : name_html(selection.function.handler));
  add("architecture", html_text(to_string(selection.function.architecture)));
  std::string memory;
  for (const std::uint32_t size : memories_)
    memory += fmt::format("{}{}", memory.empty() ? "" : ", ", size);
  add("memory", memory.empty() ? "" : memory + " MB");
  add("code", selection.code.empty() ? "" : name_html(selection.code));
  std::string layers;
  for (const std::string& layer : selection.layers) layers += "<li>" + name_html(layer) + "</li>";
  add("layers", layers.empty() ? "none" : "<ol>" + layers + "</ol>");
  return html;
}

std::string Page::method() const {
  const std::size_t count = result_.variants.size();
  std::string text =
      count == 1
          ? fmt::format("The function was started from nothing {} times", grouped(command_.runs))
          : fmt::format("Each of the {} variants was started from nothing {} times", grouped(count),
                        grouped(command_.runs));
  text += ", each time in an execution environment of its own";
  if (count > 1)
    text +=
        "; they took turns, in another order each round, so that whatever else the machine did met "
        "them alike";
  text +=
      ". A first round warmed up and is not counted. A cold start ends with the first invocation.";
  for (const CacheState state : states_)
    text += fmt::format(" {}: {}", to_string(state), state_sentence(state));
  return text;
}

std::string Page::html() const {
  std::string title = html_text(command_.selection.function.runtime);
  if (!command_.selection.function.handler.empty())
    title = html_text(command_.selection.function.handler) + ", " + title;
  const bool has_runs = !result_.runs.empty();
  const std::string axes = groups_.size() < 2 ? "The axis starts at zero."
                           : one_axis()       ? "All share one axis from zero."
                                              : "Each group has an axis of its own, from zero.";
  return filled(page_html, {{"version", LAMINA_VERSION},
                            {"title", title},
                            {"style", std::string(page_css)},
                            {"switches", switches()},
                            {"headline", headline()},
                            {"detail", detail()},
                            {"facts", facts()},
                            {"runs", has_runs ? "yes" : ""},
                            {"picker", picker()},
                            {"panes", panes()},
                            {"axes", axes},
                            {"distribution", distribution()},
                            {"costs", costs()},
                            {"others", others()},
                            {"matrix", matrix()},
                            {"touched", touched()},
                            {"imports", imports()},
                            {"imports-left", imports_left()},
                            {"failures", failures()},
                            {"notes", notes()},
                            {"function", function()},
                            {"method", method()},
                            {"record", base64(to_json(result_, command_))}});
}

}  // namespace

std::string html_text(std::string_view text) {
  const std::string shown = printable(text);
  std::string html;
  html.reserve(shown.size());
  for (std::string_view rest = shown; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    switch (rest[0]) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += length == 0 ? std::string_view("\xef\xbf\xbd") : rest.substr(0, length);
    }
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return html;
}

std::string filled(std::string_view form, const std::map<std::string, std::string>& values) {
  std::string text;
  while (true) {
    const std::size_t begin = form.find("{{");
    const std::size_t end = begin == std::string_view::npos ? begin : form.find("}}", begin);
    text += form.substr(0, end == std::string_view::npos ? end : begin);
    if (end == std::string_view::npos) return text;
    std::string name(form.substr(begin + 2, end - begin - 2));
    form.remove_prefix(end + 2);
    const bool is_section = name.starts_with('#');
    if (is_section) name.erase(0, 1);
    const auto value = values.find(name);
    const bool is_there = value != values.end() && !value->second.empty();
    if (!is_section) {
      if (is_there) text += value->second;
      continue;
    }
    const std::string close = "{{/" + name + "}}";
    const std::size_t closed = form.find(close);
    if (is_there) text += filled(form.substr(0, closed), values);
    form.remove_prefix(closed == std::string_view::npos ? form.size() : closed + close.size());
  }
}

std::string to_page(const LabResult& result, const ColdstartCommand& command) {
  return Page(result, command).html();
}

}  // namespace emulator
