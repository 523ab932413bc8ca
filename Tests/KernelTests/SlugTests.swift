import Kernel
import Testing

@Suite("Names")
struct SlugTests {
    @Test(
        "become snake_case words",
        arguments: [
            ("CustomerOrders", "customer_orders"), ("customer-orders", "customer_orders"),
            ("Customer Orders", "customer_orders"), ("customer__orders", "customer_orders"),
            ("HTTPServer", "http_server"), ("userID", "user_id"), ("order2Item", "order2_item"),
            ("  padded  ", "padded"), ("__led", "led"), ("ALLCAPS", "allcaps"), ("a.b/c", "a_b_c"),
        ])
    func snakeCase(name: String, expected: String) {
        #expect(Slug.snakeCase(name) == expected)
    }

    @Test(
        "that hold nothing usable get a usable name",
        arguments: [("", "unnamed"), ("___", "unnamed"), ("日本", "unnamed"), ("2024 sales", "n2024_sales")])
    func neverEmpty(name: String, expected: String) {
        #expect(Slug.snakeCase(name) == expected)
    }

    @Test("in snake_case stay as they are", arguments: ["customer_orders", "a", "a1_b2", "daily_sales_2024"])
    func stable(name: String) {
        #expect(Slug.snakeCase(name) == name)
        #expect(Slug.isValid(name))
    }

    @Test(
        "that cannot be an organization's are refused",
        arguments: [
            "", "1a", "_a", "A", "a-b", "a b", "a.b", "ä", "a\u{301}", "a/../b", "a;b",
            String(repeating: "a", count: 41),
        ])
    func invalid(name: String) {
        #expect(!Slug.isValid(name))
    }

    @Test("of 40 characters are the longest allowed")
    func longest() {
        #expect(Slug.isValid(String(repeating: "a", count: 40)))
    }

    @Test("that clash are numbered, also past names that look numbered already")
    func distinct() {
        #expect(Slug.distinct(["a", "b", "a", "a"]) == ["a", "b", "a_2", "a_3"])
        #expect(Slug.distinct(["a", "a_2", "a"]) == ["a", "a_2", "a_3"])
        let many = Slug.distinct(["a", "a", "a_2", "a_2", "a"])
        #expect(Set(many).count == many.count)
    }
}
