-- The sample shop: 90 days up to `day`, about 200,000 rows, the same for the same `seed` and `day`.
--
-- Run by scripts/sample-shop with the psql variables `seed` and `day`. Nothing here is random: every choice is a hash
-- of the seed, the name of the choice and the number of the row, so two runs agree row by row.

SET TimeZone = 'UTC';
SET client_min_messages = warning;

-- Choices. STABLE, so that PostgreSQL puts them in line; the schema goes at the end ----------------------------

CREATE SCHEMA choice;
SET search_path = public, choice;

-- A number from 0 up to 1, for choice `what` of row `id`.
CREATE FUNCTION choice.roll(what text, id bigint) RETURNS float8 LANGUAGE sql STABLE AS
$$
    SELECT (hashtextextended(what || ':' || id, current_setting('shop.seed')::bigint) & 1073741823)
        / 1073741824.0::float8
$$;

-- One of the options; those near the front more often when `bias` is above 1.
CREATE FUNCTION choice.pick(what text, id bigint, options text[], bias float8 DEFAULT 1) RETURNS text
LANGUAGE sql STABLE AS
$$ SELECT options[1 + floor(cardinality(options) * roll(what, id) ^ bias)::int] $$;

SELECT set_config('shop.seed', :'seed', false), set_config('shop.day', :'day', false) \g /dev/null

-- Tables -----------------------------------------------------------------------------------------------------------

CREATE TABLE customers (
    id integer PRIMARY KEY,
    email text NOT NULL UNIQUE,
    first_name text NOT NULL,
    last_name text NOT NULL,
    country char(2) NOT NULL,
    city text NOT NULL,
    phone text,
    birth_date date,
    newsletter boolean NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE customers IS 'People who have signed up, whether or not they have bought anything.';
COMMENT ON COLUMN customers.country IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN customers.newsletter IS 'Has agreed to receive the newsletter.';

CREATE TABLE products (
    id integer PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    category text NOT NULL,
    price numeric(12,2) NOT NULL CHECK (price > 0),
    cost numeric(12,2) NOT NULL,
    weight_grams integer,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE products IS 'Everything the shop has ever sold.';
COMMENT ON COLUMN products.price IS 'Today''s list price in EUR; an order line keeps the price at which it was sold.';
COMMENT ON COLUMN products.cost IS 'What the shop pays for one, in EUR.';

CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    status text NOT NULL CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
    channel text NOT NULL,
    shipping_country char(2) NOT NULL,
    coupon_code text,
    subtotal numeric(12,2) NOT NULL,
    discount numeric(12,2) NOT NULL,
    shipping numeric(12,2) NOT NULL,
    total numeric(12,2) NOT NULL,
    ordered_at timestamptz NOT NULL,
    shipped_at timestamptz
);
COMMENT ON TABLE orders IS 'Orders as placed. All money is in EUR.';
COMMENT ON COLUMN orders.total IS 'subtotal - discount + shipping.';

CREATE TABLE order_lines (
    order_id integer NOT NULL REFERENCES orders,
    line_number smallint NOT NULL,
    product_id integer NOT NULL REFERENCES products,
    quantity smallint NOT NULL CHECK (quantity > 0),
    unit_price numeric(12,2) NOT NULL,
    amount numeric(12,2) NOT NULL,
    PRIMARY KEY (order_id, line_number)
);
COMMENT ON TABLE order_lines IS 'One product of one order.';
COMMENT ON COLUMN order_lines.amount IS 'quantity × unit_price.';

CREATE TABLE payments (
    id integer PRIMARY KEY,
    order_id integer NOT NULL REFERENCES orders,
    method text NOT NULL,
    status text NOT NULL,
    amount numeric(12,2) NOT NULL,
    failure_reason text,
    paid_at timestamptz NOT NULL
);
COMMENT ON TABLE payments IS 'Attempts to pay; an order can have a failed one before the one that succeeds.';

CREATE TABLE refunds (
    id integer PRIMARY KEY,
    payment_id integer NOT NULL REFERENCES payments,
    amount numeric(12,2) NOT NULL,
    reason text NOT NULL,
    note text,
    refunded_at timestamptz NOT NULL
);
COMMENT ON TABLE refunds IS 'Money given back, in part or in full.';

CREATE TABLE web_events (
    id bigint PRIMARY KEY,
    session_id uuid NOT NULL,
    customer_id integer REFERENCES customers,
    event_type text NOT NULL,
    page text NOT NULL,
    product_id integer REFERENCES products,
    properties jsonb NOT NULL,
    occurred_at timestamptz NOT NULL
);
COMMENT ON TABLE web_events IS 'What visitors did in the shop''s web pages.';
COMMENT ON COLUMN web_events.customer_id IS 'Null for visitors who have not signed in.';
COMMENT ON COLUMN web_events.properties IS 'Device, browser and campaign; for a search also the query.';

-- Days: how busy each is, for a shop that grows and has its best days at the week's end -----------------------------

CREATE TEMP TABLE days AS
WITH weighted AS (
    SELECT current_setting('shop.day')::date - 89 + n AS day,
        (1 + n / 120.0::float8)
            * (ARRAY[1.25, 0.95, 0.90, 0.92, 1.00, 1.20, 1.40])[
                1 + extract(dow FROM current_setting('shop.day')::date - 89 + n)::int]
            * (0.85 + 0.3 * roll('day', n)) AS weight
    FROM generate_series(0, 89) AS n
)
SELECT day, (sum(weight) OVER (ORDER BY day) - weight) / sum(weight) OVER () AS from_share,
    sum(weight) OVER (ORDER BY day) / sum(weight) OVER () AS to_share
FROM weighted;

-- The moment of number `n` of `total` events, spread over the days by weight and round the afternoon of each.
CREATE FUNCTION choice.moment(what text, n bigint, total bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
$$
    SELECT (day + make_interval(secs => floor(
        86400 * (0.05 + 0.94 * (1 - abs(roll(what || '-a', n) + roll(what || '-b', n) - 1) * 0.55) * (0.35
            + 0.65 * roll(what || '-c', n) ^ 0.6))))) AT TIME ZONE 'UTC'
    FROM days WHERE (n - 0.5) / total >= from_share AND (n - 0.5) / total < to_share
$$;

-- Rows -------------------------------------------------------------------------------------------------------------

INSERT INTO customers
WITH named AS (
    SELECT id,
        pick('first', id, '{Emma,Noah,Olivia,Liam,Mia,Lucas,Sofia,Elias,Anna,Felix,Clara,Hugo,Chloé,Mateo,Lucía,
            Jonas,Ida,Oscar,Freja,Leon,Zoë,Björn,Marta,Tomasz,Giulia,Marco,Nora,Ewan,Priya,Arjun,Mei,Kenji,Fatima,Omar,
            Ingrid,Pavel,Renée,Łukasz,Aoife,Siobhán}') AS first_name,
        pick('last', id, '{Müller,Smith,Jensen,Martin,García,Rossi,Nowak,Andersson,Dubois,Schmidt,Jones,Silva,
            Novák,Virtanen,de Vries,O''Brien,Kowalska,Weber,Moreau,Fernández,Bianchi,Hansen,Taylor,Lindqvist,Bakker,
            Fischer,Petit,Ricci,Walker,Patel,Tanaka,Chen,Haddad,Becker,Fontaine,Ortiz,Greco,Nilsson,Murphy,Wójcik}'
            ) AS last_name,
        pick('country', id, '{DE,FR,GB,ES,NL,IT,SE,PL,DK,IE,AT,FI}', 1.7) AS country,
        least(
            (current_setting('shop.day')::date - 90)
                - make_interval(secs => floor(63072000 * roll('joined', id) ^ 1.5)),
            (current_setting('shop.day')::date - 89)::timestamp
        ) AS joined
    FROM generate_series(1, 8000) AS id
)
SELECT id,
    -- Letters without their accents; those that have no plain form in Unicode by hand.
    lower(regexp_replace(
        normalize(translate(first_name || '.' || last_name, 'Łłøß', 'Llos'), NFD), '[^A-Za-z.]', '', 'g'))
        || id || '@example.com',
    first_name, last_name, country,
    (SELECT pick('city', id, cities) FROM (VALUES
        ('DE', '{Berlin,Hamburg,München,Köln,Leipzig}'::text[]), ('FR', '{Paris,Lyon,Nantes,Lille}'),
        ('GB', '{London,Leeds,Bristol,Glasgow}'), ('ES', '{Madrid,Barcelona,Sevilla}'), ('NL', '{Amsterdam,Utrecht}'),
        ('IT', '{Milano,Roma,Torino}'), ('SE', '{Stockholm,Göteborg}'), ('PL', '{Warszawa,Kraków,Gdańsk}'),
        ('DK', '{København,Aarhus}'), ('IE', '{Dublin,Cork}'), ('AT', '{Wien,Graz}'), ('FI', '{Helsinki,Tampere}')
    ) AS c(code, cities) WHERE code = country),
    CASE WHEN roll('phone', id) < 0.7 THEN '+' || 30 + floor(20 * roll('dial', id))::int || ' '
        || 100000000 + floor(899999999 * roll('number', id))::int END,
    CASE WHEN roll('born', id) < 0.6 THEN date '1948-01-01' + floor(21000 * roll('birthday', id))::int END,
    roll('newsletter', id) < 0.42,
    joined AT TIME ZONE 'UTC'
FROM named;

INSERT INTO products
WITH shaped AS (
    SELECT id,
        pick('category', id, '{Kitchen,Home,Outdoor,Office,Toys,Books,Garden,Lighting}', 1.3) AS category,
        pick('adjective', id,
            '{Oak,Copper,Linen,Nordic,Classic,Folding,Ceramic,Recycled,Compact,Royal,Quiet,Bright}') AS adjective
    FROM generate_series(1, 400) AS id
), named AS (
    SELECT id, category, adjective, noun,
        round((low + (high - low) * roll('price', id) ^ 2.2)::numeric, 0) - 0.05 AS price
    FROM shaped JOIN LATERAL (
        SELECT pick('noun', id, nouns) AS noun, low, high FROM (VALUES
            ('Kitchen', '{Pan,Kettle,Knife,Bowl,Grinder}'::text[], 9, 190),
            ('Home', '{Blanket,Clock,Basket,Vase,Mirror}', 12, 160),
            ('Outdoor', '{Tent,Backpack,Lantern,Hammock,Flask}', 15, 340),
            ('Office', '{Notebook,Desk Tray,Chair,Pen Set,Stand}', 4, 280),
            ('Toys', '{Puzzle,Train,Kite,Blocks,Puppet}', 6, 70),
            ('Books', '{Atlas,Cookbook,Diary,Guide,Novel}', 8, 45),
            ('Garden', '{Trowel,Planter,Bench,Hose,Bird House}', 7, 220),
            ('Lighting', '{Lamp,Pendant,Spotlight,String Lights}', 14, 240)
        ) AS n(of, nouns, low, high) WHERE of = category) AS n ON true
)
SELECT id, upper(left(category, 3)) || '-' || lpad(id::text, 4, '0'), adjective || ' ' || noun, category, price,
    round(price * (0.38 + 0.25 * roll('margin', id))::numeric, 2),
    CASE WHEN roll('weighed', id) < 0.85 THEN 50 + floor(4950 * roll('weight', id) ^ 2)::int END,
    roll('active', id) < 0.92,
    (current_setting('shop.day')::date - 100 - floor(900 * roll('listed', id))::int)::timestamp AT TIME ZONE 'UTC'
FROM named;

CREATE TEMP TABLE placed AS
SELECT id, 1 + floor(8000 * roll('buyer', id) ^ 1.6)::int AS customer_id, moment('ordered', id, 24000) AS ordered_at,
    current_setting('shop.day')::date - (moment('ordered', id, 24000) AT TIME ZONE 'UTC')::date AS age,
    roll('fate', id) AS fate
FROM generate_series(1, 24000) AS id;

CREATE TEMP TABLE lines AS
SELECT p.id AS order_id, line_number, product_id, quantity, price AS unit_price, quantity * price AS amount
FROM placed AS p
CROSS JOIN LATERAL generate_series(1, 1 + floor(4 * roll('lines', p.id) ^ 1.9)::int) AS line_number
CROSS JOIN LATERAL (
    SELECT 1 + floor(400 * roll('product', p.id * 10 + line_number) ^ 1.8)::int AS product_id,
        1 + floor(4 * roll('quantity', p.id * 10 + line_number) ^ 4)::int AS quantity
) AS chosen
JOIN products ON products.id = product_id;

INSERT INTO orders
WITH summed AS (
    SELECT p.*, c.country, l.subtotal,
        CASE WHEN roll('coupon', p.id) < 0.12 THEN pick('code', p.id, '{WELCOME10,AUTUMN15,FRIENDS20}', 1.5)
            END AS coupon
    FROM placed AS p
    JOIN customers AS c ON c.id = p.customer_id
    JOIN (SELECT order_id, sum(amount) AS subtotal FROM lines GROUP BY order_id) AS l ON l.order_id = p.id
), priced AS (
    SELECT *,
        CASE WHEN coupon IS NULL THEN 0.00 ELSE round(subtotal * right(coupon, 2)::numeric / 100, 2) END AS discount,
        CASE WHEN subtotal >= 80 THEN 0.00 WHEN country = 'DE' THEN 4.90 ELSE 8.90 END AS shipping,
        CASE WHEN fate < 0.04 THEN 'cancelled' WHEN fate < 0.07 AND age > 3 THEN 'refunded'
            WHEN age > 7 THEN 'delivered' WHEN age > 2 THEN 'shipped'
            WHEN age > 0 OR fate > 0.3 THEN 'paid' ELSE 'pending' END AS status
    FROM summed
)
SELECT id, customer_id, status, pick('channel', id, '{web,mobile,marketplace,store}', 1.8), country, coupon,
    subtotal, discount, shipping, subtotal - discount + shipping, ordered_at,
    CASE WHEN status IN ('shipped', 'delivered', 'refunded') THEN ordered_at
        + make_interval(secs => floor(18000 + 150000 * roll('packed', id))) END
FROM priced ORDER BY id;

INSERT INTO order_lines SELECT * FROM lines ORDER BY order_id, line_number;

INSERT INTO payments
WITH attempts AS (
    SELECT o.*, attempt, tries
    FROM orders AS o
    CROSS JOIN LATERAL (SELECT CASE WHEN roll('declined', o.id) < 0.06 THEN 2 ELSE 1 END AS tries) AS t
    CROSS JOIN LATERAL generate_series(1, tries) AS attempt
    WHERE status <> 'pending' AND NOT (status = 'cancelled' AND roll('unpaid', o.id) < 0.6)
)
SELECT row_number() OVER (ORDER BY id, attempt), id,
    pick('method', id, '{card,paypal,invoice,apple_pay,sepa_debit}', 1.6),
    CASE WHEN attempt < tries THEN 'failed' ELSE 'succeeded' END, total,
    CASE WHEN attempt < tries
        THEN pick('declined-why', id, '{card_declined,insufficient_funds,3ds_failed,expired_card}') END,
    ordered_at + make_interval(secs => floor(20 + 200 * attempt * roll('paid-after', id)))
FROM attempts;

INSERT INTO refunds
SELECT row_number() OVER (ORDER BY p.id), p.id,
    CASE WHEN roll('part', p.id) < 0.7 THEN p.amount ELSE round(p.amount * 0.5, 2) END,
    pick('reason', p.id, '{changed_mind,damaged,wrong_item,late,quality}', 1.3),
    CASE WHEN roll('noted', p.id) < 0.25 THEN pick('note', p.id, ARRAY[
        'Customer wrote twice', 'Box was open', 'Says "too small"', E'Left a voicemail;\nwill not reorder']) END,
    -- Within ten days, and spread over what is left of them for payments of the last days.
    p.paid_at + roll('refunded-after', p.id) * least(
        interval '10 days', current_setting('shop.day')::timestamp AT TIME ZONE 'UTC' + interval '24 hours' - p.paid_at)
FROM payments AS p JOIN orders AS o ON o.id = p.order_id
WHERE p.status = 'succeeded' AND (o.status = 'refunded' OR o.status = 'cancelled');

INSERT INTO web_events
WITH sessions AS (
    SELECT n, md5(current_setting('shop.seed') || ':session:' || n)::uuid AS session_id,
        moment('session', n, 28000) AS started_at,
        CASE WHEN roll('signed-in', n) < 0.55 THEN 1 + floor(8000 * roll('visitor', n) ^ 1.6)::int END AS customer_id,
        pick('device', n, '{mobile,desktop,tablet}', 1.6) AS device,
        pick('browser', n, '{Chrome,Safari,Firefox,Edge}', 1.6) AS browser,
        CASE WHEN roll('campaign', n) < 0.3
            THEN pick('campaign-name', n, '{newsletter,search,autumn-sale,influencer}') END AS campaign,
        1 + floor(6 * roll('length', n) ^ 1.1)::int AS steps
    FROM generate_series(1, 28000) AS n
), events AS (
    SELECT s.*, step, n * 10 + step AS number,
        CASE WHEN step = 1 THEN 'page_view' ELSE pick('type', n * 10 + step,
            '{product_view,page_view,add_to_cart,search,checkout,purchase}', 1.9) END AS type,
        started_at + make_interval(secs => floor((step - 1) * 47 + 40 * roll('pause', n * 10 + step))) AS occurred_at
    FROM sessions AS s CROSS JOIN LATERAL generate_series(1, steps) AS step
), detailed AS (
    SELECT *,
        CASE WHEN type IN ('product_view', 'add_to_cart')
            THEN 1 + floor(400 * roll('seen', number) ^ 1.8)::int END AS product_id
    FROM events
)
SELECT row_number() OVER (ORDER BY n, step), session_id, customer_id, type,
    CASE type WHEN 'page_view' THEN pick('page', number, '{/,/sale,/about,/categories/home,/categories/kitchen}', 1.5)
        WHEN 'search' THEN '/search' WHEN 'checkout' THEN '/checkout' WHEN 'purchase' THEN '/thank-you'
        ELSE '/products/' || product_id END,
    product_id,
    jsonb_strip_nulls(jsonb_build_object('device', device, 'browser', browser, 'campaign', campaign,
        'query', CASE WHEN type = 'search'
            THEN pick('query', number, '{lamp,oak,gift,bird house,pan,blanket}', 1.4) END,
        'load_ms', 60 + floor(1400 * roll('load', number) ^ 3)::int,
        'experiment', jsonb_build_object('name', 'checkout-v2', 'arm', pick('arm', n, '{a,b}')))),
    occurred_at
FROM detailed;

CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (ordered_at);
CREATE INDEX ON payments (order_id);
CREATE INDEX ON web_events (occurred_at);

DROP SCHEMA choice CASCADE;
