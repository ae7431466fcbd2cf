const TERMS = [
  ["Active, new, lapsing, lapsed", "Stages of a customer by the days since the last purchase. New means that the first purchase was recent."],
  ["Average order", "What purchases brought, divided by their number. Orders that were wholly returned count in neither."],
  ["Bundle", "Items that occur together in several rules. The strongest rule speaks for its bundle."],
  ["Churn risk", "The probability that a customer makes no purchase within the horizon, in words."],
  ["Cohort", "Customers whose first purchase fell in the same month or quarter."],
  ["Confidence", "Of the baskets with the first item, the share that also has the second. High for any item that most baskets have."],
  ["Decile", "A tenth of the customers, ordered by their forecast."],
  ["Expected value (CLV)", "The margin that customers are expected to bring within the horizon, discounted. It is a forecast; Value says whether it is reliable."],
  ["Gini, normalised", "How well a forecast ranks customers: 1 is the perfect order, 0 is chance."],
  ["Guest", "An order without a customer. Its revenue counts in no figure about customers."],
  ["Known customer", "A customer with a key in the orders and at least one purchase that was not wholly returned."],
  ["Lift", "How many times more often two items are bought together than by chance. 1 is chance."],
  ["Net revenue", "Money after discounts and returns. A return counts on its own day, where it is not matched to an order."],
  ["Not shown", WHY],
  ["Open month", "The month of the as-of date, until it is over. Its figures can still rise."],
  ["Repeat rate", "The share of customers with more than one order."],
  ["RFM", "Scores from 1 to 5 for recency (how recently), frequency (how often) and monetary value (how much). 5 is best."],
  ["Segment", "A group of customers who buy alike. Its name and its rule come from the data."],
  ["Support", "The share of baskets that hold all items of a rule."],
  ["Value at risk", "The value lost with the customers who have already left, by the probability that they have."]
];
pages.glossary = {draw: () => [grid(card({title: "What the words mean", how: "The words of this site, in alphabetical order, as the figures use them.", rows: TERMS, wide: true, body: element("dl", {class: "glossary"}, TERMS.flatMap(([term, meaning]) => [element("dt", {}, term), element("dd", {}, meaning)]))}))]};
