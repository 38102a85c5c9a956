/** The conditions of the platform in Chinese: what each is called, what it means and what to do (platform.ts has them in English). */

import type { PlatformCondition, PlatformWords } from './platform.ts';

export const PLATFORM_ZH: Readonly<Record<PlatformCondition, PlatformWords>> = {
  'journal.filling': {
    title: '日志将满',
    meaning: '尚未被各跟随者处理的条目已占 WK_JOURNAL_MAX_BYTES 的 70 %；达到 100 % 后不再接收任何数据。',
    remedy: '排除拖住跟随者的原因（其他平台报警会指明），或调大 WK_JOURNAL_MAX_BYTES。',
  },
  'journal.unwritable': {
    title: '日志无法写入',
    meaning: '磁盘拒绝写入日志：未向网关确认，也未接收任何数据。',
    remedy: '为 WK_DATA_DIR 所在磁盘腾出空间或恢复可写；网关会自行重发。',
  },
  'journal.lost': {
    title: '日志条目丢失',
    meaning: '日志丢失了已确认、且已被其他部分处理过的条目；日志已在其后续号。',
    remedy: '查看具体情况了解丢失范围，让网关重发该时段的数据，并核对当时的登记信息；查明磁盘出了什么问题。',
  },
  'journal.damaged': {
    title: '日志损坏',
    meaning: '日志中有一批内容与写入时不符：其中的条目无法读取，已跳过。',
    remedy:
      '查看具体情况和 GET /api/v1/parked 了解范围，让网关重发该时段的数据，并核对当时的登记信息；检查磁盘，并用 npm run verify 检查整个安装。',
  },
  'readings.lost': {
    title: '监测数据丢失',
    meaning: '数据存储丢失了读数；日志中仍有的部分正在重新写入。',
    remedy: '查看具体情况了解是否有彻底丢失的数据，如有则从网关补录；查明磁盘出了什么问题。',
  },
  'derived.lost': {
    title: '派生数据库丢失或过旧',
    meaning: 'derived.db 缺失或比其他文件旧；它正从所在位置重新跟随日志。',
    remedy: '查看具体情况了解丢失内容；如有完整备份则恢复，否则运行 npm run rebuild。',
  },
  'books.damaged': {
    title: '账目损坏',
    meaning: '账目中有一行与写入时不符：磁盘上有比特翻转。该行不予提供，相关查询被拒绝。',
    remedy: '检查磁盘，停止服务，用 npm run verify 查出全部损坏，运行 npm run rebuild，再启动。',
  },
  'readings.damaged': {
    title: '监测数据损坏',
    meaning: '一条已存储的读数与写入时不符：磁盘上有比特翻转。该读数按缺测处理。',
    remedy:
      '检查磁盘，停止服务，用 npm run verify 查出全部损坏，运行 npm run rebuild，再启动：日志中仍有的数据会重新写入。',
  },
  'store.unreachable': {
    title: 'InfluxDB 无应答',
    meaning: 'InfluxDB 没有应答：读数在日志中等待，报警和对网关的确认照常进行。',
    remedy: '启动 InfluxDB，或检查 WK_INFLUX_URL 和网络；等待的数据会自动写入。',
  },
  'store.unauthorized': {
    title: 'InfluxDB 拒绝凭据',
    meaning: 'InfluxDB 拒绝了凭据（401 或 403）：读数在日志中等待。',
    remedy: '在 WK_INFLUX_TOKEN 中给出可读写该存储桶的令牌，然后重新启动。',
  },
  'store.bucket-missing': {
    title: 'InfluxDB 缺少存储桶',
    meaning: 'InfluxDB 中没有这个名称的存储桶（数据库）：已被删除、改名或从未建立。',
    remedy: '建立 WK_INFLUX_BUCKET 所指的存储桶（不设保留期），或改为正确的名称并重新启动。',
  },
  'store.read-only': {
    title: 'InfluxDB 只读',
    meaning: 'InfluxDB 有应答，但不接受写入。',
    remedy: '为其磁盘腾出空间或解除只读状态；等待的数据会自动写入。',
  },
  'store.overloaded': {
    title: 'InfluxDB 过载',
    meaning: 'InfluxDB 应答过慢，或返回 429、5xx：读数在日志中等待。',
    remedy: '检查其负载、内存和日志；等待的数据会自动写入。',
  },
  'store.retention': {
    title: 'InfluxDB 会按期删除数据',
    meaning: '该存储桶会删除超过保留期的数据，因此未向其写入任何数据。',
    remedy: '将存储桶的保留期设为无限，或用 WK_INFLUX_RETENTION_OK=1 接受这种丢失。',
  },
  'store.unfit': {
    title: '存储服务器不合要求',
    meaning: '首次写入前对 WK_INFLUX_URL 处的服务器做了试验，不能把读数交给它。',
    remedy: '原因见具体情况；哪些服务器可以存放读数、如何设置，见 docs/deployment.md。',
  },
  'store.foreign': {
    title: '存储桶属于另一安装',
    meaning: 'InfluxDB 中的存储桶由另一套安装写入，或由本安装的较新一代写入。',
    remedy:
      '在 WK_INFLUX_BUCKET 中填写本安装专用的存储桶并重新启动；或删除其 measurement wk_mark，把该存储桶交给本安装。',
  },
  'store.organization': {
    title: 'InfluxDB 缺少组织',
    meaning: 'InfluxDB 中没有这个名称的组织。',
    remedy: '在 WK_INFLUX_ORG 中填写该存储桶所属的组织，然后重新启动。',
  },
  'store.token-inactive': {
    title: 'InfluxDB 令牌无效',
    meaning: 'InfluxDB 认得该令牌，但它既不能读也不能写该存储桶：已停用，或属于别的存储桶。',
    remedy: '启用该令牌，或在 WK_INFLUX_TOKEN 中给出可读写该存储桶的令牌，然后重新启动。',
  },
  'store.write-only': {
    title: 'InfluxDB 令牌不能读取',
    meaning: '该令牌只能写入、不能读取存储桶：去重、统计和水量都需要读写两种权限。',
    remedy: '在 WK_INFLUX_TOKEN 中给出可读写该存储桶的令牌，然后重新启动。',
  },
  'store.unwritable': {
    title: '数据文件无法写入',
    meaning: '磁盘拒绝写入 readings.db 或 derived.db：读数在日志中等待。',
    remedy: '为 WK_DATA_DIR 所在磁盘腾出空间或恢复可写；等待的数据会自动写入。',
  },
  'readings.type-conflict': {
    title: '字段类型冲突',
    meaning: '另有程序向 measurement reading 写入了其他类型的字段：InfluxDB 拒绝我们同一周的数值，这些数值进入隔离区。',
    remedy:
      '让对方写到别处，从 measurement reading 中删除其在该周写入的内容，再重放隔离区中代码为 `store.rejected` 的条目。',
  },
  'broker.unreachable': {
    title: 'MQTT 代理无应答',
    meaning: 'MQTT 代理没有应答：网关无法送达数据。这不是站点无数据。',
    remedy: '启动代理，或检查 WK_MQTT_URL 和网络；代理会保留网关发给它的数据。',
  },
  'broker.unauthorized': {
    title: 'MQTT 代理拒绝登录',
    meaning: 'MQTT 代理拒绝了登录。',
    remedy: '给出正确的 WK_MQTT_USERNAME 和 WK_MQTT_PASSWORD（由 npm run broker:files 写出）。',
  },
  'broker.subscription-refused': {
    title: 'MQTT 代理拒绝订阅',
    meaning: 'MQTT 代理拒绝了 WK_MQTT_TOPICS 中的某个订阅。',
    remedy: '在代理的访问控制表中允许守井人读取这些主题。',
  },
  'broker.session-lost': {
    title: 'MQTT 会话丢失',
    meaning: 'MQTT 代理忘记了我们的会话，或恢复成了较旧的副本：其间网关发给它的数据可能丢失。',
    remedy: '在各网关台账中查看可能的缺口，让网关重发该时段的数据；为代理启用持久化。',
  },
  'broker.levels-split': {
    title: 'MQTT 代理拆分主题层级',
    meaning: 'MQTT 代理把主题中的点号当作层级分隔：它会向编号含点号的网关确认，而其读数永远送不到。',
    remedy: '用不含点号的编号重新登记这些网关并相应设置，或改用其他代理。',
  },
  'broker.untried': {
    title: 'MQTT 代理未能试验',
    meaning: '用来试验 MQTT 代理的探测消息没有回来：代理若丢失会话或主题，将无法发现。',
    remedy:
      '在其访问控制表中允许守井人读写 wk/v1/_wk.canary/readings：Mosquitto 中在 `user` 之后加一行 `topic readwrite wk/v1/_wk.canary/readings`（npm run broker:files 会写出）。',
  },
  'broker.messages-dropped': {
    title: 'MQTT 代理丢弃消息',
    meaning: 'MQTT 代理丢弃了消息：队列已满，而此后到达的消息已向发送方确认。',
    remedy:
      '调大代理的队列（Mosquitto：max_queued_messages、max_queued_bytes）；在 GET /api/v1/gateways 中查看缺号，让网关重发该时段的数据。',
  },
  'follower.parked': {
    title: '有条目被搁置',
    meaning: '某个跟随者在一个条目上失败三次，已跳过它继续。',
    remedy: '查看 GET /api/v1/parked 并报告该错误；其数值在台账中显示为待处理。处理完后将其从列表中移除。',
  },
  'follower.behind': {
    title: '处理滞后',
    meaning: '某个跟随者落后日志五分钟以上。',
    remedy: '如果没有其他平台报警说明原因，则是这台机器处理不了到达的数据量。',
  },
  'followers.restarting': {
    title: '跟随者线程重启',
    meaning: '跟随者线程异常结束，已重新启动。',
    remedy: '查看日志中的 followers.restarted 并报告该错误；已确认的数据没有丢失。',
  },
  'books.recounting': {
    title: '账目重新统计中',
    meaning: '本版程序的统计规则已改变：账目正在后台重新统计。轮到之前，各小时仍是原先的结果。',
    remedy:
      '无需操作；结账或比较数字前请等待完成。哪些数字可能变化见 CHANGELOG.md 和 docs/numbers.md；已结账时段保持不变。',
  },
  'reads.stale': {
    title: '读取了旧状态',
    meaning: '某个线程曾用一秒以前的文件状态作答；它已重新打开文件。',
    remedy: '请连同具体情况一并报告：有一次读取未关闭。该时段内的查询请重新进行。',
  },
  'quarantine.full': {
    title: '隔离区已满',
    meaning: '隔离区已满，或某个发送方在其中的份额已满：最旧的条目被新条目挤出。',
    remedy: '在 GET /api/v1/quarantine 中查看是谁在发送无法接收的内容，并在源头改正。',
  },
  'sequence.holes': {
    title: '网关消息缺号',
    meaning: '网关给消息编号，而有些编号一直没有到达：这些消息的内容这里没有。',
    remedy: '让这些网关重发，缺号会自动补上；确实无法补发的，将其关闭（POST /api/v1/gateways/{id}/sequence/close）。',
  },
  'letters.unexplained': {
    title: '设备标记未说明',
    meaning: '某个网关发送了无人说明其含义的设备标记：这样的数值予以保留，但不作任何使用。',
    remedy: '在该网关或站点的 `dialect.letters` 中说明其含义（PUT /api/v1/gateways/{id}）。',
  },
  'device.contested': {
    title: '同一设备从两处上报',
    meaning: '来自不同网络地址的两个连接轮流以同一设备的身份上报：该设备的地址和密码被两处使用。',
    remedy: '查明哪一个是真正的设备；在其网关的 `identity.addresses` 中写明该设备所在网络，并更换密码。',
  },
  'clock.behind': {
    title: '本机时钟落后',
    meaning: '本机时钟比此前落后一分钟以上。',
    remedy: '用 NTP 校准时钟；在追上之前，一切都按先前的时间记为收到。',
  },
  'access.crowded': {
    title: '访问达到上限',
    meaning: '有人达到了连接、事件流、会话或登录的上限：超出部分被拒绝，或须让位。',
    remedy: '查看是谁、达到哪个上限：从不关闭连接的客户端应改正，陌生来源应由防火墙挡住。',
  },
  'routes.nobody': {
    title: '报警无人接收',
    meaning: '报警不会通知任何人：没有通知路由指向带收件人的渠道，报警只显示在这里并写入日志。',
    remedy: '添加渠道（PUT /api/v1/channels/{id}），测试后写入通知路由（PUT /api/v1/routes）。',
  },
};
