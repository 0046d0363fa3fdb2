/** Which patients a department sees. */
export type Audience = 'everybody' | 'women' | 'children'

/** A minor department of the demo. */
export interface DemoDepartment {
  readonly major: string
  readonly name: string
  readonly description: string
  readonly address: string
  readonly audience: Audience
  /** One doctor for each specialty. The first doctor heads the department. */
  readonly specialties: readonly string[]
  /** What patients complain about, with the diagnosis. */
  readonly cases: readonly (readonly [complaint: string, diagnosis: string])[]
  /** Further clinics beside the general one: 1 expert, 2 special. */
  readonly further: readonly (1 | 2)[]
}

export const AREAS = [
  { name: '东校区医院', destination: '东校区学府路 88 号', latitude: 31.0285, longitude: 121.4472 },
  { name: '西校区门诊部', destination: '西校区湖滨路 12 号', latitude: 31.2021, longitude: 121.4331 },
] as const

export const MAJORS: Readonly<Record<string, string>> = {
  内科: '内科各专业门诊',
  外科: '外科各专业门诊与日间手术',
  妇产科: '妇科、产科门诊',
  儿科: '教职工子女与周边社区儿童的诊疗',
  五官口腔科: '眼、耳鼻喉与口腔疾病',
  中医科: '中医辨证、针灸与推拿',
  皮肤康复科: '皮肤病诊治与康复训练',
  预防保健科: '全科、校医保健、接种与心理健康',
}

type Row = readonly [
  major: string,
  name: string,
  description: string,
  specialties: string,
  cases: string,
  further?: readonly (1 | 2)[],
  audience?: Audience,
]

const rows: readonly Row[] = [
  ['内科', '心血管内科', '高血压、冠心病、心律失常', '冠心病介入|高血压与血脂异常|心力衰竭', '活动后胸闷一周:稳定型心绞痛|血压升高两月:高血压病 1 级|阵发性心悸:房性早搏', [1, 2]],
  ['内科', '呼吸内科', '咳嗽、哮喘、慢阻肺', '支气管哮喘|慢性阻塞性肺疾病|肺部感染', '咳嗽咳痰五天:急性支气管炎|夜间喘息:支气管哮喘|发热伴咳嗽三天:社区获得性肺炎', [1]],
  ['内科', '消化内科', '胃肠肝胆疾病与内镜', '胃肠内镜诊治|慢性胃炎与溃疡|脂肪肝与肝炎', '上腹隐痛半月:慢性浅表性胃炎|反酸烧心:胃食管反流病|腹泻两天:急性肠炎', [1]],
  ['内科', '神经内科', '头痛、眩晕、脑血管病', '脑血管病|头痛与失眠|帕金森病', '反复头痛一月:紧张型头痛|眩晕两天:前庭性偏头痛'],
  ['内科', '内分泌科', '糖尿病、甲状腺疾病', '糖尿病综合管理|甲状腺疾病', '口干多饮:2 型糖尿病|颈部增粗:甲状腺结节', [1]],
  ['内科', '肾内科', '肾炎、肾病与高尿酸', '肾小球肾炎|高尿酸与痛风肾', '尿中有泡沫:慢性肾小球肾炎|足趾肿痛:痛风'],
  ['外科', '普外科', '甲状腺、乳腺、胃肠与疝', '腹腔镜微创手术|甲状腺与乳腺外科|疝与肛肠', '右下腹痛一天:急性阑尾炎|体检发现胆囊结石:胆囊结石', [1]],
  ['外科', '骨科', '骨折、关节与脊柱', '运动医学与关节镜|脊柱疾病|创伤骨科', '打球扭伤踝部:踝关节扭伤|腰痛伴下肢麻木:腰椎间盘突出症|膝关节疼痛:半月板损伤', [1, 2]],
  ['外科', '泌尿外科', '结石、前列腺与感染', '泌尿系结石|前列腺疾病', '腰部绞痛:输尿管结石|尿频尿急:泌尿道感染'],
  ['外科', '神经外科', '颅脑外伤与脊髓', '颅脑创伤|功能神经外科', '头部外伤后头晕:轻型颅脑损伤|面部抽动:面肌痉挛'],
  ['妇产科', '妇科', '妇科炎症、肌瘤与内分泌', '妇科内分泌|妇科微创手术|宫颈疾病', '月经不调三月:月经失调|下腹坠痛:盆腔炎', [1], 'women'],
  ['妇产科', '产科', '孕期保健与分娩', '高危妊娠管理|孕期营养与保健', '孕 12 周建档:早孕|孕 28 周产检:妊娠期糖尿病', [1], 'women'],
  ['儿科', '小儿内科', '儿童呼吸与消化疾病', '小儿呼吸|小儿消化|儿童过敏性疾病', '发热一天:急性上呼吸道感染|咳嗽一周:支气管炎', [1], 'children'],
  ['儿科', '儿童保健科', '生长发育与体检', '生长发育评估|儿童营养', '身高偏矮:生长迟缓待查|挑食:营养不良风险', [], 'children'],
  ['五官口腔科', '眼科', '屈光、白内障与眼底', '屈光不正与近视防控|眼底病', '视力下降:近视|眼红流泪两天:急性结膜炎', [1]],
  ['五官口腔科', '耳鼻喉科', '鼻炎、咽炎与耳疾', '鼻内镜手术|耳科与眩晕', '鼻塞流涕一月:过敏性鼻炎|咽痛三天:急性扁桃体炎'],
  ['五官口腔科', '口腔科', '补牙、拔牙与正畸', '牙体牙髓病|口腔正畸|口腔颌面外科', '牙痛两天:急性牙髓炎|智齿肿痛:智齿冠周炎', [1]],
  ['中医科', '中医内科', '脾胃、失眠与调理', '脾胃病|失眠与亚健康调理', '失眠多梦:不寐（心脾两虚）|胃脘胀满:胃痞', [2]],
  ['中医科', '针灸推拿科', '颈肩腰腿痛', '颈肩腰腿痛|面瘫与中风后遗症', '颈肩僵硬:颈椎病|落枕一天:急性颈扭伤'],
  ['皮肤康复科', '皮肤科', '湿疹、痤疮与过敏', '痤疮与敏感肌|湿疹与荨麻疹|皮肤外科', '面部丘疹三月:寻常痤疮|全身风团一天:急性荨麻疹', [1]],
  ['皮肤康复科', '康复医学科', '运动损伤与术后康复', '运动损伤康复|神经康复', '膝术后活动受限:半月板术后康复|肩关节僵硬:肩周炎'],
  ['预防保健科', '全科医学科', '常见病首诊与慢病随访', '常见病与多发病|慢性病管理', '感冒两天:急性上呼吸道感染|复诊开药:高血压病随访'],
  ['预防保健科', '校医保健科', '学生体检与健康证明', '学生健康管理|运动健康评估', '入职体检咨询:健康体检|体测前评估:健康评估'],
  ['预防保健科', '预防接种门诊', '疫苗接种与咨询', '成人疫苗|儿童计划免疫', '接种流感疫苗:流感疫苗接种|接种 HPV 疫苗:HPV 疫苗接种'],
  ['预防保健科', '心理咨询科', '情绪、压力与睡眠', '青年情绪障碍|压力与人际关系', '考前焦虑:焦虑状态|情绪低落两周:抑郁状态'],
] // biome-ignore format: a table

/** The twenty-five minor departments of the demo. */
export const DEPARTMENTS: readonly DemoDepartment[] = rows.map(
  ([major, name, description, specialties, cases, further = [], audience = 'everybody'], index) => ({
    major,
    name,
    description,
    address: `门诊楼 ${1 + (index % 5)} 层 ${'ABC'.charAt(index % 3)} 区`,
    audience,
    specialties: specialties.split('|'),
    cases: cases.split('|').map((one) => {
      const [complaint = '', diagnosis = ''] = one.split(':')
      return [complaint, diagnosis] as const
    }),
    further,
  }),
)

/** Titles of the doctors of a department, in the order of the specialties. */
export const TITLES = ['主任医师', '副主任医师', '主治医师'] as const
